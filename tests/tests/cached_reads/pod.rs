//! The files of the service account: a mount in memory, in which the token is a link to a link.

use super::*;

#[test]
fn a_mount_in_memory_is_read_by_the_caller_with_the_link_to_its_generation() {
    in_own_namespace("a mount in memory", || {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        memory(root);
        fs::create_dir(root.join("..1")).unwrap();
        fs::write(root.join("..1/token"), "t0ken").unwrap();
        symlink("..1", root.join("..data")).unwrap();
        runtime().block_on(async {
            let (link, token) = (root.join("..data"), root.join("..1/token"));
            let host = Host::real();
            read(&token).await.unwrap();
            host.files().read_link(&link).await.unwrap();
            let target = without_blocking_threads(host.files().read_link(&link)).await;
            assert_eq!(target.expect("the caller reads it").unwrap(), Path::new("..1"));
            let here = read_here(&token).await.expect("the caller reads it").unwrap();
            assert_eq!(here.bytes.expose_secret(), b"t0ken");
            // The file is the same through the links of its generation.
            let linked = root.join("token");
            symlink("..data/token", &linked).unwrap();
            let here = read_here(&linked).await.expect("the caller reads it").unwrap();
            assert_eq!(here.bytes.expose_secret(), b"t0ken");
            // The next generation is seen at once.
            fs::create_dir(root.join("..2")).unwrap();
            fs::write(root.join("..2/token"), "n3xt").unwrap();
            symlink("..2", root.join("..next")).unwrap();
            fs::rename(root.join("..next"), &link).unwrap();
            let next = read_here(&linked).await.expect("the caller reads it").unwrap();
            assert_eq!(next.bytes.expose_secret(), b"n3xt");
            // Other links are read elsewhere: out of the directory, more than two, without a target.
            fs::create_dir(root.join("below")).unwrap();
            symlink("../..2/token", root.join("below/out")).unwrap();
            symlink(root.join("..2/token"), root.join("absolute")).unwrap();
            symlink("token", root.join("third")).unwrap();
            symlink("nothing", root.join("dangling")).unwrap();
            for name in ["below/out", "absolute", "third", "dangling"] {
                assert!(read_here(&root.join(name)).await.is_none(), "{name}");
            }
        });
    });
}

/// The root of a container is an overlay, and the files of the service account are below it, on a mount in memory.
#[test]
fn a_mount_in_memory_below_an_overlay_is_read_by_the_caller_and_the_overlay_is_not() {
    in_own_namespace("a mount in memory below an overlay", || {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        memory(root);
        for name in ["image", "changes", "work", "container"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        let container = root.join("container");
        let layers = format!(
            "lowerdir={0}/image,upperdir={0}/changes,workdir={0}/work",
            root.display()
        );
        let overlay = mount(
            Some("overlay"),
            &container,
            Some("overlay"),
            MsFlags::empty(),
            Some(layers.as_str()),
        );
        if let Err(error) = overlay {
            return not_tested("a mount in memory below an overlay", &error.to_string());
        }
        fs::write(container.join("file"), "content").unwrap();
        let pod = container.join("pod");
        fs::create_dir(&pod).unwrap();
        memory(&pod);
        fs::create_dir(pod.join("..1")).unwrap();
        fs::write(pod.join("..1/token"), "t0ken").unwrap();
        symlink("..1", pod.join("..data")).unwrap();
        symlink("..data/token", pod.join("token")).unwrap();
        runtime().block_on(async {
            for path in [pod.join("token"), container.join("file")] {
                read(&path).await.unwrap();
            }
            let token = read_here(&pod.join("token")).await.expect("the caller reads it");
            assert_eq!(token.unwrap().bytes.expose_secret(), b"t0ken");
            assert!(read_here(&container.join("file")).await.is_none());
            // The directories of the overlay count too.
            fs::set_permissions(&container, fs::Permissions::from_mode(0o777)).unwrap();
            let many = vec![pod.join("token"); 40];
            let there = Host::real().files().read_each_stamped(&many, LIMIT).await;
            assert_eq!(shown(&read(&pod.join("token")).await), shown(&there[0]));
            assert!(there[0].as_ref().unwrap().foreign_writers.is_some());
        });
    });
}
