//! Copies of files take no room where the file system can share what is the same.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use samestate_tracer::{Error, Verdict, Verify, verify};

use crate::support::{has, short, skipped};
use crate::undo::Place;
use crate::verify::verdicts;

/// The whole file system, and one file on it that fits twice and not three times.
const SIZE: u64 = 128 << 20;
const BIG: usize = 40 << 20;

/// A file system of its own, for as long as this lives.
struct Mounted(PathBuf);

impl Mounted {
    /// `None` if this machine cannot have one, which is said.
    fn new(folder: &Path, kind: &str) -> Option<Self> {
        let make = format!("mkfs.{kind}");
        if !["/usr/sbin", "/sbin"].iter().any(|at| Path::new(at).join(&make).is_file())
            && !has(&make)
        {
            return None;
        }
        let (image, mounted) = (folder.join("image"), folder.join("mounted"));
        File::create(&image).and_then(|file| file.set_len(SIZE)).expect("a sparse file");
        fs::create_dir(&mounted).expect("a folder");
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
        let run = |program: &str, words: &[&str], paths: &[&Path]| {
            let mut command = Command::new(program);
            let told = command.env("PATH", &path).args(words).args(paths).output();
            told.is_ok_and(|told| told.status.success())
        };
        let done = run(&make, &["-q"], &[&image])
            && run("mount", &["-o", "loop", "-t", kind], &[&image, &mounted]);
        if !done {
            skipped(&format!("no {kind} can be mounted"));
            return None;
        }
        Some(Self(mounted))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

/// Bytes that no compression makes smaller.
fn noise() -> Vec<u8> {
    let mut state = 1_u64;
    let words = (0..BIG / 8).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.collect()
}

/// Verifies a program that changes some bytes of a big file before its checkpoint and after it, with
/// everything on one file system of this kind. It takes three copies: from before, from after the
/// checkpoint, and from the end. Gives what comes of it; the file is as it was in any case.
fn verified(kind: &str, how: impl Fn(&mut Verify)) -> Option<Result<Vec<Verdict>, Error>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mounted = Mounted::new(folder.path(), kind)?;
    let place = Place::within(&mounted.0)?;
    let (big, before) = (place.work().join("big"), noise());
    fs::write(&big, &before).expect("it fits once");
    let mut config = place.config("inner", "inner,inner");
    config.work = Some(mounted.0.join("kept"));
    how(&mut config);
    let found = verify(&config, &mut |_| ());
    assert!(fs::read(&big).expect("the file") == before, "{kind}: it is as it was");
    Some(found.map(|found| {
        assert!(found.report.findings.is_empty(), "{:#?}", short(&found.report));
        assert!(place.is_tidy());
        verdicts(&found)
    }))
}

#[test]
fn copies_take_no_room_where_files_can_share_what_is_the_same() {
    // `look` reads all that there is, which would be the big file as well; the undo log by itself,
    // and the folder named by hand.
    let whole = |config: &mut Verify| {
        let state = config.logs.as_ref().expect("it is set").with_file_name("work");
        config.state = vec![state];
    };
    let ways: [&dyn Fn(&mut Verify); 2] = [&|_| (), &whole];
    for way in ways {
        let Some(shared) = verified("btrfs", way) else { return };
        assert_eq!(shared.expect("all copies fit"), [Verdict::Same]);
        // The same on a file system of the same size that cannot share.
        let Some(apart) = verified("ext4", way) else { return };
        let error = apart.expect_err("they do not fit");
        let Error::File { source, .. } = &error else { panic!("{error}") };
        assert_eq!(source.kind(), std::io::ErrorKind::StorageFull, "{error}");
    }
}
