//! Archives that are broken, or that were made to break their reader.

mod support;

use std::io::{Cursor, Write};

use support::{Folder, TASK, patch, zip_of};
use zip::write::SimpleFileOptions;

/// The message with which an archive is refused.
fn refusal(bytes: &[u8]) -> String {
    let folder = Folder::new(&[]);
    folder.write("x.zip", bytes);
    folder.refusal(&["x.zip"])
}

#[test]
fn a_member_that_leads_out_of_the_archive_refuses_all_of_it() {
    let cases = [
        ("../evil.json", "leads out of the archive"),
        ("training/../../evil.txt", "leads out of the archive"),
        ("training\\..\\evil.json", "leads out of the archive"),
        ("/etc/evil.json", "has an absolute name"),
        ("\\evil.json", "has an absolute name"),
        ("C:/evil.json", "has an absolute name"),
    ];
    for (name, reason) in cases {
        // The writer mends some names, so that a harmless one of the same length is renamed.
        let harmless = "x".repeat(name.len());
        let mut bytes = zip_of(&[("training/a.json", TASK), (&harmless, TASK)]);
        patch(&mut bytes, harmless.as_bytes(), name.as_bytes());
        assert!(
            refusal(&bytes).starts_with(&format!("x.zip: member {name} {reason}")),
            "{}",
            refusal(&bytes)
        );
    }
}

#[test]
fn a_link_in_an_archive_refuses_all_of_it() {
    let mut zip = zip::ZipWriter::new(Cursor::new(zip_of(&[])));
    zip.start_file("training/a.json", SimpleFileOptions::default()).unwrap();
    zip.write_all(TASK.as_bytes()).unwrap();
    zip.add_symlink("readme", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    assert_eq!(refusal(&bytes), "x.zip: member readme is a symbolic link: only files and folders are read");
}

#[test]
fn a_name_that_is_there_twice_refuses_all_of_it() {
    let mut bytes = zip_of(&[("training/a.json", TASK), ("training/b.json", TASK)]);
    patch(&mut bytes, b"training/b.json", b"training/a.json");
    assert_eq!(refusal(&bytes), "x.zip: member training/a.json is there twice");
}

#[test]
fn a_member_is_read_no_further_than_it_declares() {
    let text = format!("{TASK}{}", " ".repeat(1 << 20));
    let actual = u32::try_from(text.len()).unwrap().to_le_bytes();
    let cases = [
        (100_u32, "x.zip: training/a.json: unpacks to more than the 100 bytes that it declares"),
        (0x0500_0000, "x.zip: training/a.json: 83,886,080 bytes: limit 67,108,864"),
        (0x4000_0000, "x.zip: 1,073,741,824 bytes when unpacked: limit 536,870,912"),
    ];
    for (declared, expected) in cases {
        let mut bytes = zip_of(&[("training/a.json", &text)]);
        patch(&mut bytes, &actual, &declared.to_le_bytes());
        assert_eq!(refusal(&bytes), expected);
    }
}

#[test]
fn many_members_declare_their_sum() {
    let text = format!("{TASK}{}", " ".repeat(99_999));
    let actual = u32::try_from(text.len()).unwrap().to_le_bytes();
    let names: Vec<String> = (0..9).map(|at| format!("training/{at}.json")).collect();
    let members: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), text.as_str())).collect();
    let mut bytes = zip_of(&members);
    patch(&mut bytes, &actual, &0x03ff_ffff_u32.to_le_bytes());
    assert!(refusal(&bytes).starts_with("x.zip: 603,979,767 bytes when unpacked: limit 536,870,912"));
}

#[test]
fn an_archive_with_too_many_members_is_refused_before_they_are_listed() {
    // An end record of zip64 that announces 100,001 members, and nothing else.
    let mut bytes = b"PK\x06\x06".to_vec();
    bytes.resize(56, 0);
    bytes[32..40].copy_from_slice(&100_001_u64.to_le_bytes());
    bytes.extend(b"PK\x06\x07");
    bytes.resize(56 + 20, 0);
    bytes.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
    assert_eq!(refusal(&bytes), "x.zip: 100,001 members: limit 100,000");
    bytes[64..72].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(refusal(&bytes).contains("not a whole zip archive"), "{}", refusal(&bytes));
}

#[test]
fn a_broken_archive_is_refused() {
    for bytes in [&b""[..], b"PK\x03\x04", b"no zip at all", &[0; 5000]] {
        assert!(refusal(bytes).starts_with("x.zip: not a whole zip archive: "), "{}", refusal(bytes));
    }
    let mut bytes = zip_of(&[("training/a.json", TASK)]);
    bytes[60] ^= 0xff;
    assert!(
        refusal(&bytes).starts_with("x.zip: training/a.json: not a whole zip archive: "),
        "{}",
        refusal(&bytes)
    );
    let encrypted = {
        let mut bytes = zip_of(&[("training/a.json", TASK)]);
        let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        bytes[directory + 8] |= 1;
        bytes
    };
    assert!(refusal(&encrypted).contains("not a whole zip archive: "), "{}", refusal(&encrypted));
}

#[test]
fn every_truncation_of_an_archive_is_refused_and_no_changed_byte_panics() {
    let bytes = zip_of(&[("training/a.json", TASK), ("evaluation/b.json", TASK)]);
    let folder = Folder::new(&[]);
    for end in 0..bytes.len() {
        folder.write("x.zip", &bytes[..end]);
        assert!(folder.read(&["x.zip"], None).is_err(), "{end} of {} bytes", bytes.len());
    }
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            folder.write("x.zip", &changed);
            drop(folder.read(&["x.zip"], None));
        }
    }
}

#[test]
fn a_bad_member_is_named_with_its_archive() {
    let bytes = zip_of(&[("training/a.json", TASK), ("training/b.json", &TASK.replace("[[5]]", "[[10]]"))]);
    let found = refusal(&bytes);
    assert!(found.starts_with(
        "x.zip: training/b.json: train[0].output[0][0]: cell 10 is not a colour: 0 to 9 (line 1"
    ));
    let bytes = zip_of(&[("training/a.json", TASK), ("evaluation/a.json", TASK)]);
    let expected = "task a is there twice: in x.zip: evaluation/a.json (evaluation) and in x.zip: training/a.json (training)";
    assert_eq!(refusal(&bytes), expected);
    assert_eq!(refusal(&zip_of(&[("readme.txt", "")])), "x.zip: no task found");
    let both = zip_of(&[("training/a.json", TASK), ("b.json", TASK)]);
    assert!(refusal(&both).contains("stand side by side"));
}
