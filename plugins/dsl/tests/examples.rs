//! What single pipelines and programs do, by example: rows are split by `/`.

use stratagem_dsl::{Grid, Pipeline, Program, Size};

fn grid(rows: &str) -> Grid {
    rows.parse().expect("a grid")
}

#[track_caller]
fn check(pipeline: &str, input: &str, expected: &str) {
    let steps: Pipeline = pipeline.parse().expect("a pipeline");
    let canvas = Some(Size::new(4, 4));
    let found = steps.run(&grid(input), canvas).map_or_else(|| "nothing".to_string(), |v| v.to_string());
    assert_eq!(found, expected, "{pipeline} on {input}");
}

#[test]
fn colours() {
    check("keep 3", "1302", "0300");
    check("keep 0", "1302", "0010");
    check("erase 3", "1302", "1002");
    check("erase 4", "1302", "nothing");
    check("paint 4", "1302", "4404");
    check("paint-role least", "1132", "nothing");
    check("keep-role least", "1123/1123/1133", "0020/0020/0000");
    check("exchange", "1202", "2101");
    check("negative", "1102", "0012");
    check("flood", "0200", "2222");
    check("main-cell", "1221/0022", "2");
}

#[test]
fn geometry() {
    check("trim", "000/010/002", "10/02");
    check("trim-background", "555/575/555", "7");
    check("rigid flip-x", "12/34", "21/43");
    check("rigid rotate90", "12/34", "31/42");
    check("half right", "123", "3");
    check("dedupe-lines", "1122/1122", "12");
    check("drop-plain-lines", "121/555/313", "121/313");
    check("scale-up 2", "12", "1122/1122");
    check("mirror-tile 2 1", "12", "1221");
    check("fractal", "10/11", "1000/1100/1010/1111");
    check("peel", "111/121/111", "2");
}

#[test]
fn shapes() {
    check("fill", "111/101/111", "111/111/111");
    check("interior", "111/101/111", "000/010/000");
    check("outline", "111/111/111", "111/101/111");
    check("core", "111/111/111", "000/010/000");
    check("halo false", "1", "010/101/010");
    check("frame", "1", "111/111/111");
    check("spread false", "100", "111");
    check("flood-holes", "2220/2020/2220", "2220/2220/2220");
}

#[test]
fn lines() {
    check("smear one right", "0102", "0112");
    check("smear vertical", "00/10/00", "10/10/10");
    check("gravity left", "1020", "1200");
    check("connect row", "1001", "1111");
    check("connect row", "1002", "1002");
    check("shift right", "123", "012");
    check("roll right", "123", "312");
    check("sight left", "1002", "0111");
}

#[test]
fn repairs() {
    check("symmetrize x", "12021/00000/30003", "12021/00000/30003");
    check("symmetrize x", "1221/3003/4004/5000", "1221/3003/4004/5005");
    check("continue rows", "120000", "121212");
    check("continue rectangle", "121212/212121/121200/212100", "121212/212121/121212/212121");
    check("fill-mirrored flip-x", "100/020", "101/020");
}

#[test]
fn lists() {
    check("split panels", "12511/34522", "12/34 11/22");
    check("split colours > pick most ink", "1120", "11");
    check("split components beside-alike", "101/001", "1 1/1");
    check("split components around-alike > pick most ink", "110/002/220", "002/220");
    check("split rows > pick odd ink", "100/100/110", "110");
    check("split rows > pick most ink", "110/011/001", "nothing");
    check("split columns > join beside", "12/34", "12/34");
    check("split tiles > join overlay", "1002", "1");
    check("count components row", "101", "11");
}

#[test]
fn canvases() {
    check("trim > fit embed", "000/010/000", "0000/0100/0000/0000");
    check("fit stretch", "12/34", "1122/1122/3344/3344");
    check("fit repeat 0", "12/34", "1212/3434/1212/3434");
    check("fit wrap", "12121212/12121212", "1212/1212/1212/1212");
}

#[test]
fn programs_run_from_text() {
    let cases = [
        ("rigid flip-x", "12/34", "21/43"),
        ("size w(input)*2/1+0 by h(input) | stack over input", "12", "1200"),
        ("size w(input) by h(input) | stack cut keep 3 ; over paint 4", "1302", "4004"),
        ("size 2 by 1 | table half left ; half right > to-origin : 11=7 10=2 01=3 00=0", "1101", "27"),
        ("view background | keep 3", "5535", "5535"),
        ("view ranked 0 | keep 1", "4447", "4440"),
        ("product { keep 1 } { rigid flip-x }", "12", "2100"),
    ];
    for (program, input, expected) in cases {
        let parsed: Program = program.parse().expect(program);
        let found = parsed.run(&grid(input)).map(|g| g.to_string());
        assert_eq!(found.as_deref(), Some(expected), "{program}");
    }
}
