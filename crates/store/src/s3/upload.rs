//! An upload in parts, of which nothing is seen before its end.

use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;

use super::put::CHECKSUM;
use super::{Bucket, error};
use crate::{Error, Put};

/// An upload under way. Dropped before its end it is given up, so that its parts are not kept and paid for.
pub(super) struct Upload {
    bucket: Arc<Bucket>,
    name: String,
    id: String,
    parts: Vec<CompletedPart>,
    is_over: bool,
}

impl Upload {
    pub(super) async fn begin(bucket: &Arc<Bucket>, name: String) -> Result<Self, Error> {
        let reply = bucket
            .client
            .create_multipart_upload()
            .bucket(&bucket.address.bucket)
            .key(&name)
            .checksum_algorithm(CHECKSUM)
            .set_server_side_encryption(bucket.encryption.header())
            .set_ssekms_key_id(bucket.encryption.key())
            .send()
            .await;
        let reply = reply.map_err(|error| bucket.failed("write", &name, &error))?;
        let id = reply.upload_id.unwrap_or_default();
        Ok(Self { bucket: Arc::clone(bucket), name, id, parts: Vec::new(), is_over: false })
    }

    /// Sends the next part.
    pub(super) async fn part(&mut self, bytes: Bytes) -> Result<(), Error> {
        let number = self.parts.len() as i32 + 1;
        let reply = self
            .bucket
            .client
            .upload_part()
            .bucket(&self.bucket.address.bucket)
            .key(&self.name)
            .upload_id(&self.id)
            .part_number(number)
            .checksum_algorithm(CHECKSUM)
            .body(ByteStream::from(bytes))
            .send()
            .await;
        let reply = reply.map_err(|error| self.bucket.failed("write", &self.name, &error))?;
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(reply.e_tag)
            .set_checksum_crc32(reply.checksum_crc32)
            .build();
        self.parts.push(part);
        Ok(())
    }

    /// Makes the object of the parts, unless it is there.
    pub(super) async fn complete(mut self) -> Result<Put, Error> {
        let parts =
            CompletedMultipartUpload::builder().set_parts(Some(std::mem::take(&mut self.parts))).build();
        let reply = self
            .bucket
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket.address.bucket)
            .key(&self.name)
            .upload_id(&self.id)
            .if_none_match("*")
            .multipart_upload(parts)
            .send()
            .await;
        match reply {
            Ok(_) => {
                self.is_over = true;
                Ok(Put::Created)
            }
            Err(error) if error::is_taken(&error) => Ok(Put::Existed),
            // Another writer was at the same object, or this upload is over and its reply was lost. If the object is
            // not there, the parts are of no use any more, but another attempt may be.
            Err(error) if error::is_contended(&error) || error::is_absent(&error) => {
                let error = self.bucket.failed("write", &self.name, &error);
                match self.bucket.head(&self.name).await? {
                    Some(_) => Ok(Put::Existed),
                    None => Err(error.worth_another_attempt()),
                }
            }
            Err(error) => Err(self.bucket.failed("write", &self.name, &error)),
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // Without a runtime the program is about to end, and the bucket's lifecycle rule does it.
        if let (false, Ok(runtime)) = (self.is_over, tokio::runtime::Handle::try_current()) {
            let (bucket, name, id) =
                (Arc::clone(&self.bucket), std::mem::take(&mut self.name), std::mem::take(&mut self.id));
            runtime.spawn(async move {
                let request = bucket.client.abort_multipart_upload().bucket(&bucket.address.bucket);
                // As above: what cannot be given up now goes with the lifecycle rule.
                let _given_up_later = request.key(name).upload_id(id).send().await;
            });
        }
    }
}
