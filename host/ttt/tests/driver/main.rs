//! The launch layer with a stand-in for the driver, which is loaded as the real one would be: by its name, in a process of
//! its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use stratagem_domain::{Grid, Pair};
use stratagem_ttt::board::Board;
use stratagem_ttt::launch::Device;
use stratagem_ttt::launch::cuda::Cuda;
use stratagem_ttt::launch::emulator::Emulator;
use stratagem_ttt::launch::setting::{Chosen, Setting};
use stratagem_ttt::model::automaton::Automaton;
use stratagem_ttt::ops::automaton::Automaton as OnDevice;
use stratagem_ttt::train::compression::{LEARNING_RATE, Plan};
use stratagem_ttt::train::device::Batch;

/// The folder where the stand-in lies.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let (here, folder) =
            (Path::new(env!("CARGO_MANIFEST_DIR")), Path::new(env!("CARGO_TARGET_TMPDIR")).join("driver"));
        std::fs::create_dir_all(&folder).unwrap();
        let status = Command::new(std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned()))
            .args(["-std=c++17", "-O2", "-shared", "-fPIC", "-I"])
            .arg(here.join("kernels"))
            .arg(here.join("tests/driver/libcuda.cpp"))
            .arg("-o")
            .arg(folder.join("libcuda.so"))
            .status();
        assert!(status.unwrap().success(), "the stand-in does not build");
        folder
    })
}

/// Set in a process that has the stand-in.
const INSIDE: &str = "STAND_IN";

/// What a test of this file says in a process that has the stand-in.
fn said(test: &str, settings: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "--nocapture", test]).env("LD_LIBRARY_PATH", built()).env(INSIDE, "1");
    let output = command.envs(settings.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

#[test]
fn what_is_launched_on_a_device_comes_to_what_the_emulator_comes_to() {
    if is_inside() {
        return train();
    }
    let test = "what_is_launched_on_a_device_comes_to_what_the_emulator_comes_to";
    assert!(said(test, &[]).contains("the same\n"));
}

#[test]
fn every_way_in_which_a_device_may_be_missing_has_its_message() {
    if is_inside() {
        return tell();
    }
    let cases = [
        ("STAND_IN_VERSION", "12040", "the CUDA driver is of version 12.4: at least 13.0 is needed"),
        ("STAND_IN_DEVICES", "0", "the CUDA driver sees no device"),
        ("STAND_IN_DEVICES", "2", "no device cuda:7: there are 2, from cuda:0"),
        ("STAND_IN_INIT", "100", "the CUDA driver sees no device"),
        ("STAND_IN_INIT", "34", "no CUDA driver: libcuda is not installed here"),
        ("STAND_IN_INIT", "803", "the device refused to start: error 803"),
        ("STAND_IN_MAJOR", "7", "stand-in has compute capability 7.0: at least 8.0 is needed"),
        ("STAND_IN_BYTES", "1000000", "out of device memory: 4000000 bytes are needed, 1000000 are free"),
        ("STAND_IN_LOST", "700", "the device is lost: error 700"),
        ("STAND_IN_LOST", "801", "the device refused to replay launches: error 801"),
    ];
    for (name, value, message) in cases {
        let test = "every_way_in_which_a_device_may_be_missing_has_its_message";
        let text = said(test, &[(name, value)]);
        assert!(text.lines().any(|line| line == message), "{name}={value}: {text}");
    }
}

fn pairs() -> Vec<Pair> {
    let grid = |row: [u8; 3]| Grid::from_rows(&[row]).unwrap();
    vec![Pair { input: grid([3, 0, 3]), output: grid([2, 0, 2]) }; 2]
}

fn plans() -> [Plan; 2] {
    [1, 2].map(|seed| Plan::new(&pairs(), &[pairs()[0].input.clone()], seed).unwrap())
}

/// Trains on the stand-in and on the emulator.
fn train() {
    let Ok(Chosen::Device(cuda)) = Setting::Auto.choose() else { panic!("no stand-in") };
    let description = cuda.description().unwrap();
    assert_eq!((description.name.as_str(), description.compute_capability), ("stand-in", (9, 0)));
    assert!(description.to_string().starts_with("stand-in (9.0, driver "), "{description}");
    let come_to = |device: &dyn Device| {
        // Recorded launches, on another thread than the device was readied on; and launches that run once.
        let weights = std::thread::scope(|scope| {
            let train = || {
                let mut batch = Batch::new(device, &plans()).unwrap();
                (0..2).for_each(|_| drop(batch.update(LEARNING_RATE).unwrap()));
                [0, 1].map(|task| batch.weights(task).unwrap())
            };
            scope.spawn(train).join().unwrap()
        });
        let board = Board::of([&pairs()[0].input]);
        let start = Automaton::fresh(&mut fastrand::Rng::with_seed(1));
        let mut automaton = OnDevice::new(device, &start, board.len(), 3).unwrap();
        for _ in 0..2 {
            automaton.update(&board, pairs()[0].output.cells(), 3, Some((0.01, 1.0))).unwrap();
        }
        (weights, automaton.weights().unwrap())
    };
    let free = cuda.description().unwrap().memory_free_bytes;
    assert!(come_to(&cuda) == come_to(&Emulator));
    assert_eq!(cuda.description().unwrap().memory_free_bytes, free, "all memory is given back");
    println!("\nthe same");
}

/// Says what becomes of a device.
fn tell() {
    println!();
    match Cuda::new(0) {
        Err(missing) => println!("{missing}"),
        Ok(cuda) => {
            Cuda::new(7).map_or_else(|missing| println!("{missing}"), drop);
            cuda.open(1_000_000).map_or_else(|failed| println!("{failed}"), drop);
            if let Err(failed) = Batch::new(&cuda, &plans()).and_then(|mut batch| batch.update(LEARNING_RATE))
            {
                println!("{failed}");
            }
        }
    }
}
