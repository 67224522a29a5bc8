//! Elastic Container Registry: its hosts, and the tokens it wants.

mod aws;
mod host;
mod tokens;

pub use host::EcrHost;
pub use tokens::EcrTokens;

/// One registry of ECR, and as whom it is asked for a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EcrAccount {
    /// Account and region.
    pub host: EcrHost,
    /// Role to assume; none: whoever this process is.
    pub role: Option<String>,
    /// What the role's trust policy asks for besides.
    pub external_id: Option<String>,
    /// Where ECR answers, if not where AWS has it for the region.
    pub endpoint: Option<String>,
    /// Where STS answers, if not where AWS has it for the region.
    pub sts_endpoint: Option<String>,
}

/// Credentials that are asked for when they are needed, and anew before they end.
#[derive(Clone, Debug)]
pub struct EcrLogin {
    /// The tokens of this process.
    pub tokens: EcrTokens,
    /// Whose.
    pub account: EcrAccount,
}

#[cfg(test)]
impl EcrTokens {
    /// Tokens of an AWS that a test makes up, for somebody with these keys; younger ones are not replaced.
    pub(crate) async fn with_keys(id: &str, young: std::time::Duration) -> Self {
        let keys = aws_sdk_ecr::config::Credentials::new(id, "secret", None, None, "test");
        let provider = aws_sdk_ecr::config::SharedCredentialsProvider::new(keys);
        let loader =
            aws::loader().credentials_provider(provider).region(aws_config::Region::new("us-east-1"));
        Self::of(aws::Aws::of(loader.load().await), young)
    }
}
