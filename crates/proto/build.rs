//! Compiles the protos of the repository, without `protoc`.

use std::error::Error;

const ROOT: &str = "../../proto";
const FILES: &[&str] = &["plimsoll/evidence/v1/evidence.proto", "plimsoll/fleet/v1/fleet.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={ROOT}");
    prost_build::Config::new()
        // `Bytes` lets a decoded column share the buffer it was decoded from.
        .bytes(["."])
        // The one large fact of eight: a fact takes 48 bytes instead of 400.
        .boxed(".plimsoll.evidence.v1.Fact.payload.package")
        .compile_fds(protox::compile(FILES, [ROOT])?)?;
    #[cfg(feature = "tonic")]
    services::compile()?;
    Ok(())
}

/// The API, for those who speak gRPC.
#[cfg(feature = "tonic")]
mod services {
    use std::error::Error;
    use std::path::Path;

    use super::ROOT;

    const FILES: &[&str] = &[
        "plimsoll/v1/crawl_service.proto",
        "plimsoll/v1/scan_service.proto",
        "plimsoll/v1/tag_service.proto",
        "plimsoll/v1/verdict_service.proto",
    ];

    pub(crate) fn compile() -> Result<(), Box<dyn Error>> {
        tonic_prost_build::configure()
            // Connecting is the business of whoever has a transport.
            .build_transport(false)
            .bytes(".")
            .btree_map(".")
            .compile_fds(protox::compile(FILES, [ROOT])?)?;
        // What reflection tells: everything but the comments.
        let mut compiler = protox::Compiler::new([ROOT])?;
        compiler.include_imports(true).open_files(FILES)?;
        let out = std::env::var("OUT_DIR")?;
        std::fs::write(Path::new(&out).join("plimsoll.v1.fds"), compiler.encode_file_descriptor_set())?;
        Ok(())
    }
}
