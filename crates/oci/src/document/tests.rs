use super::*;

const HEX: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn descriptor(media_type: &str) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"sha256:{HEX}","size":7}}"#)
}

fn manifest(outer: &str, config: &str, layer: &str) -> String {
    format!(
        r#"{{"schemaVersion":2,{outer}"config":{},"layers":[{}]}}"#,
        descriptor(config),
        descriptor(layer)
    )
}

fn parse(media_type: &str, text: &str) -> Result<Document, Error> {
    parse_document(media_type, text.as_bytes())
}

fn not_an_image(text: &str) -> String {
    match parse(media_type::OCI_MANIFEST, text).unwrap() {
        Document::NotAnImage { what } => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn images_of_both_kinds_are_read() {
    for (kind, config) in [
        (media_type::OCI_MANIFEST, media_type::OCI_CONFIG),
        (media_type::DOCKER_MANIFEST, media_type::DOCKER_CONFIG),
        (media_type::DOCKER_MANIFEST, "application/octet-stream"),
    ] {
        match parse(kind, &manifest("", config, media_type::OCI_LAYER_ZSTD)).unwrap() {
            Document::Image(manifest) => {
                assert_eq!(
                    (manifest.media_type.as_str(), manifest.config.media_type.as_str()),
                    (kind, config)
                );
                assert_eq!(manifest.layers[0].size, 7);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_shape_decides_where_nobody_says() {
    let image = manifest("", media_type::OCI_CONFIG, media_type::OCI_LAYER);
    assert!(matches!(parse("application/json", &image), Ok(Document::Image(_))));
    assert_eq!(media_type_of("application/json", image.as_bytes()), media_type::OCI_MANIFEST);
    assert!(matches!(parse("text/plain; charset=utf-8", r#"{"manifests":[]}"#), Ok(Document::Index(_))));
    let charset = format!("{}; charset=utf-8", media_type::OCI_MANIFEST);
    assert!(matches!(parse(&charset, &image), Ok(Document::Image(_))));
}

#[test]
fn an_index_keeps_platforms_types_and_annotations() {
    let text = format!(
        r#"{{"schemaVersion":2,"manifests":[
            {{"mediaType":"x","digest":"sha256:{HEX}","size":1,"platform":{{"os":"linux","architecture":"arm64",
              "variant":"v8","os.version":"1","features":[]}},"annotations":{{"b":"1","a":null}}}},
            {{"digest":"sha256:{HEX}","size":1,"platform":{{"os":"","architecture":""}},"artifactType":"t"}}]}}"#
    );
    let Document::Index(entries) = parse(media_type::DOCKER_LIST, &text).unwrap() else { panic!() };
    assert_eq!(entries[0].platform, Some(Platform::new("linux", "arm64", None)));
    assert_eq!(entries[0].annotations["b"], "1");
    assert_eq!((&entries[1].platform, entries[1].artifact_type.as_deref()), (&None, Some("t")));
}

#[test]
fn an_index_may_be_empty() {
    for text in ["{}", r#"{"manifests":null}"#, r#"{"manifests":[]}"#] {
        assert_eq!(parse(media_type::OCI_INDEX, text).unwrap(), Document::Index(Vec::new()));
    }
}

#[test]
fn artifacts_are_not_images() {
    let image = media_type::OCI_CONFIG;
    for (text, what) in [
        (
            manifest("", image, "application/vnd.dev.cosign.simplesigning.v1+json"),
            "a cosign signature",
        ),
        (manifest("", image, "application/vnd.in-toto+json"), "an attestation"),
        (manifest("", "application/vnd.cncf.helm.config.v1+json", "x"), "a Helm chart"),
        (manifest("", "application/vnd.oci.empty.v1+json", "application/spdx+json"), "an SBOM"),
        (
            manifest(r#""artifactType":"application/vnd.acme.rocket","#, image, media_type::OCI_LAYER),
            "an artifact of type application/vnd.acme.rocket",
        ),
        (
            manifest("", "application/vnd.acme.config", "x"),
            "an artifact of type application/vnd.acme.config",
        ),
        (
            r#"{"mediaType":"application/vnd.oci.artifact.manifest.v1+json","artifactType":"application/vnd.wasm.x","blobs":[]}"#.into(),
            "a WebAssembly module",
        ),
    ] {
        assert_eq!(not_an_image(&text), what, "{text}");
    }
}

#[test]
fn two_readings_of_one_document_are_refused() {
    let config = descriptor(media_type::OCI_CONFIG);
    for text in [
        format!(r#"{{"config":{config},"layers":[],"manifests":[]}}"#),
        format!(r#"{{"layers":[{config}],"manifests":[]}}"#),
        manifest(r#""mediaType":"application/vnd.oci.image.index.v1+json","#, media_type::OCI_CONFIG, ""),
        format!(r#"{{"mediaType":"application/vnd.oci.image.index.v1+json","config":{config}}}"#),
        format!(r#"{{"config":{config},"config":{config},"layers":[]}}"#),
    ] {
        let error = parse(media_type::OCI_MANIFEST, &text).unwrap_err();
        assert_eq!(error.kind(), "bad_manifest", "{text}: {error}");
    }
}

#[test]
fn schema_1_is_named() {
    for (kind, text) in [
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", r#"{"schemaVersion":1}"#),
        ("application/json", r#"{"schemaVersion":1,"fsLayers":[],"history":[]}"#),
    ] {
        let error = parse(kind, text).unwrap_err();
        assert!(error.kind() == "unsupported" && error.to_string().contains("schema 1"), "{error}");
    }
}

#[test]
fn broken_documents_say_why() {
    for text in [
        "",
        "null",
        "[1]",
        "{}",
        r#"{"config":{}}"#,
        r#"{"config":{"digest":"sha256:00","size":1}}"#,
        r#"{"manifests":[{"digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":-1}]}"#,
    ] {
        let error = parse("", text).unwrap_err();
        assert_eq!(error.kind(), "bad_manifest", "{text}: {error}");
    }
}

#[test]
fn more_layers_than_any_runtime_takes_are_refused() {
    let many = |n: usize| {
        let layers = vec![descriptor(""); n].join(",");
        format!(r#"{{"config":{},"layers":[{layers}]}}"#, descriptor(media_type::OCI_CONFIG))
    };
    assert!(parse("", &many(MAX_LAYERS)).is_ok());
    assert_eq!(parse("", &many(MAX_LAYERS + 1)).unwrap_err().kind(), "bad_manifest");
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, media_type: String) {
        let _ = parse_document(&media_type, &bytes);
    }
}
