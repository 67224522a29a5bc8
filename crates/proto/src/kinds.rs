//! Numbers of entry and content kinds, as the proto fixes them.

use plimsoll_types::{ContentKind, EntryKind};

use crate::{CodecError, pb};

pub(crate) fn kind_number(kind: EntryKind) -> u8 {
    let kind = match kind {
        EntryKind::File => pb::EntryKind::File,
        EntryKind::Directory => pb::EntryKind::Directory,
        EntryKind::Symlink => pb::EntryKind::Symlink,
        EntryKind::HardLink => pb::EntryKind::HardLink,
        EntryKind::CharDevice => pb::EntryKind::CharDevice,
        EntryKind::BlockDevice => pb::EntryKind::BlockDevice,
        EntryKind::Fifo => pb::EntryKind::Fifo,
        EntryKind::Whiteout => pb::EntryKind::Whiteout,
        EntryKind::Opaque => pb::EntryKind::Opaque,
    };
    kind as u8
}

pub(crate) fn kind(number: u8) -> Result<EntryKind, CodecError> {
    Ok(match pb::EntryKind::try_from(i32::from(number)) {
        Ok(pb::EntryKind::File) => EntryKind::File,
        Ok(pb::EntryKind::Directory) => EntryKind::Directory,
        Ok(pb::EntryKind::Symlink) => EntryKind::Symlink,
        Ok(pb::EntryKind::HardLink) => EntryKind::HardLink,
        Ok(pb::EntryKind::CharDevice) => EntryKind::CharDevice,
        Ok(pb::EntryKind::BlockDevice) => EntryKind::BlockDevice,
        Ok(pb::EntryKind::Fifo) => EntryKind::Fifo,
        Ok(pb::EntryKind::Whiteout) => EntryKind::Whiteout,
        Ok(pb::EntryKind::Opaque) => EntryKind::Opaque,
        Ok(pb::EntryKind::Unspecified) | Err(_) => {
            return Err(CodecError::column("kinds", "a kind of entry this version does not know"));
        }
    })
}

pub(crate) fn content_number(content: ContentKind) -> u8 {
    let content = match content {
        ContentKind::None => pb::ContentKind::None,
        ContentKind::Empty => pb::ContentKind::Empty,
        ContentKind::Elf => pb::ContentKind::Elf,
        ContentKind::Pe => pb::ContentKind::Pe,
        ContentKind::MachO => pb::ContentKind::MachO,
        ContentKind::Zip => pb::ContentKind::Zip,
        ContentKind::Compressed => pb::ContentKind::Compressed,
        ContentKind::Sqlite => pb::ContentKind::Sqlite,
        ContentKind::Script => pb::ContentKind::Script,
        ContentKind::Text => pb::ContentKind::Text,
        ContentKind::Binary => pb::ContentKind::Binary,
    };
    content as u8
}

pub(crate) fn content(number: u8) -> Result<ContentKind, CodecError> {
    Ok(match pb::ContentKind::try_from(i32::from(number)) {
        Ok(pb::ContentKind::None) => ContentKind::None,
        Ok(pb::ContentKind::Empty) => ContentKind::Empty,
        Ok(pb::ContentKind::Elf) => ContentKind::Elf,
        Ok(pb::ContentKind::Pe) => ContentKind::Pe,
        Ok(pb::ContentKind::MachO) => ContentKind::MachO,
        Ok(pb::ContentKind::Zip) => ContentKind::Zip,
        Ok(pb::ContentKind::Compressed) => ContentKind::Compressed,
        Ok(pb::ContentKind::Sqlite) => ContentKind::Sqlite,
        Ok(pb::ContentKind::Script) => ContentKind::Script,
        Ok(pb::ContentKind::Text) => ContentKind::Text,
        Ok(pb::ContentKind::Binary) => ContentKind::Binary,
        Err(_) => {
            return Err(CodecError::column("contents", "a kind of content this version does not know"));
        }
    })
}
