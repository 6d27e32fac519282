//! What people read: errors that point and suggest, explanations, digests.

use stratagem_dsl::{Expression, Grid, Program};

/// The message for a text that is no program.
fn error(text: &str) -> String {
    text.parse::<Program>().map_or_else(|e| e.to_string(), |p| format!("parsed as {p}"))
}

#[test]
fn errors_name_the_word_its_place_and_the_nearest_name() {
    let cases = [
        ("trm", "\"trm\" at column 1 is no transform; did you mean \"trim\"?"),
        ("trim > kep 3", "\"kep\" at column 8 is no transform; did you mean \"keep\"?"),
        (
            "trim > rigid flip-z",
            "\"flip-z\" at column 14 is no parameter of \"rigid\" there; did you mean \"flip-x\"?",
        ),
        ("keep 12", "\"12\" at column 6 is no parameter of \"keep\" there; did you mean \"1\"?"),
        ("view plan | trim", "\"plan\" at column 6 is no view; did you mean \"plain\"?"),
        ("view ranked x | trim", "\"x\" at column 13 is no number that fits there"),
        ("size 3 by h(trmi) | trim", "\"trmi\" at column 13 is no transform; did you mean \"trim\"?"),
        ("stack over input ; ovr trim", "\"ovr\" at column 20 is no layer's mode; did you mean \"over\"?"),
        ("stack over input ; over trim > x", "\"x\" at column 32 is no transform"),
        ("table input : 1=2 3=x", "\"3=x\" at column 19 is not part of any program"),
        ("product { trim } { view plain | zoom }", "\"zoom\" at column 33 is no transform"),
        ("expr (overly input input)", "\"overly\" at column 7 is no operation; did you mean \"overlay\"?"),
        ("expr (overlay input 3)", "\"3\" at column 21 is a number, where \"overlay\" takes over: grid"),
        (
            "expr (overlay input)",
            "\"overlay\" at column 7 lacks its over: it is overlay(under: grid, over: grid) -> grid",
        ),
        ("expr (trim input input)", "\"input\" at column 12 is no parameter of \"trim\" there"),
        (
            "expr (rigid flipx input)",
            "\"flipx\" at column 13 is no parameter of \"rigid\" there; did you mean \"flip-x\"?",
        ),
        ("expr (width input)", "\"(width input)\" at column 6 yields a number, where a grid is wanted"),
        ("expr (trim it)", "\"it\" at column 12 stands outside of any function that gives it a meaning"),
        ("expr (trim inptu)", "\"inptu\" at column 12 is no value; did you mean \"input\"?"),
        ("expr (trim input", "\"(trim input\" at column 17 ends too early"),
        ("expr (trim input) 3", "\"3\" at column 19 comes after the end of the expression"),
    ];
    for (text, expected) in cases {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn texts_of_any_depth_are_refused_without_harm() {
    assert!(error(&"product { ".repeat(50_000)).contains("opens one program too many"));
    let balanced = format!("{}trim{}", "product { ".repeat(40), " } { trim }".repeat(40));
    assert!(error(&balanced).contains("opens one program too many"), "{}", error(&balanced));
    let nested = format!("expr {}input{}", "(trim ".repeat(50_000), ")".repeat(50_000));
    assert!(nested.parse::<Program>().is_err_and(|e| e.reason.contains("too large")));
}

#[track_caller]
fn explains(program: &str, expected: &[&str]) {
    let told = program.parse::<Program>().expect(program).explain();
    assert_eq!(told.lines().collect::<Vec<_>>(), expected, "{program}");
}

#[test]
fn programs_explain_themselves_in_words() {
    explains("input", &["The answer is the input as it is."]);
    explains(
        "keep 3 > trim > rigid flip-x",
        &["Keep only the cells of green.", "Crop to the box of what is not black.", "Flip it left to right."],
    );
    explains(
        "view ranked 2 | split components around > pick most ink > paint 2",
        &[
            "Colours are told apart by how many cells they have, the most frequent first; black and blue as they are.",
            "Take it apart into what hangs together, diagonally too.",
            "Pick the one with the most cells that are not black.",
            "Paint all that is not black the most frequent colour.",
        ],
    );
    explains(
        "size w(input)*2/1+1 by 3 | stack over keep 1 ; cut input",
        &[
            "The answer is 2 times the width of the input and 1 cell wide and 3 cells high.",
            "Settle each cell by the first of these layers that decides it, or leave it black.",
            "Layer 1 draws what is not black of the input, changed so: keep only the cells of blue.",
            "Layer 2 blackens what is not black in the input.",
        ],
    );
    explains(
        "view background | table half left ; half right : 11=7 10=0",
        &[
            "Take the most frequent colour for black, and black for it.",
            "Look up each cell by the numbers that these have there.",
            "Key 1 is the input, changed so: crop to the left half.",
            "Key 2 is the input, changed so: crop to the right half.",
            "Where they are 1, 1, the cell is orange.",
            "Where they are 1, 0, the cell is the background.",
        ],
    );
    explains(
        "product { keep 1 } { input }",
        &[
            "The answer is a drawing in place of each cell of another that is not black.",
            "The other is found so:",
            "  Keep only the cells of blue.",
            "The drawing in its cells is found so:",
            "  The answer is the input as it is.",
        ],
    );
}

#[test]
fn expressions_explain_themselves_in_words() {
    explains(
        "expr (overlay (paint-box input (position 0 1) (size 2 2) #3) (trim (keep 1 input)))",
        &[
            "Let A be the input with the box of 2 by 2 cells at the place 0 to the right and 1 down painted green.",
            "Let B be the input, changed so: keep only the cells of blue; then crop to the box of what is not black.",
            "The answer is A with B drawn on it at its place.",
        ],
    );
    explains(
        "expr (if-then-else (greater (width input) 3) (argmax (split rows input) (count-colour it #2)) input)",
        &[
            "Let A be the input, changed so: take it apart into its rows.",
            "Let B be the one of A with the greatest value of the number of cells of the item that are red.",
            "The answer is B if the width of the input is greater than 3, otherwise the input.",
        ],
    );
}

#[test]
fn expressions_run_in_programs() {
    let rows = |rows: &str| rows.parse().expect("a grid");
    let cases = [
        (
            "expr (draw-all input (map (split components around input) (paint-drawn it (numbered-colour (ink it)))))",
            "110/000/111",
            "220/000/333",
        ),
        ("view background | expr (recolour input #0 #3)", "5525", "3323"),
        ("size 2 by 1 | expr (tile-to input (canvas))", "1", "11"),
        ("product { expr (keep-colour input #1) } { rigid flip-x }", "12", "2100"),
        (
            "expr (until-stable input (map-cells it (if-then-else (and (is-black it) (greater (count-around input other #2) 0)) #2 it)))",
            "2000",
            "2200",
        ),
    ];
    for (text, input, expected) in cases {
        let program: Program = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(program.run(&rows(input)), Some(rows(expected)), "{text}");
        assert_eq!(program.to_string(), text);
    }
}

#[test]
fn work_is_bounded() {
    let grow = "(repeat 64 input (repeat 64 it (repeat 64 it (map-cells it (either-colour it #1)))))";
    let parsed: Expression = grow.parse().expect(grow);
    let g = Grid::filled(stratagem_dsl::Size::new(30, 30), 0).expect("a grid");
    assert_eq!(parsed.run(&g, None), None);
}

#[test]
fn digests_are_the_same_in_every_build() {
    let digest = |text: &str| text.parse::<Program>().expect(text).digest();
    // FNV-1a of the canonical text: stored digests rely on these numbers.
    assert_eq!(digest("input"), 0x1ebb_ae8f_5810_b65b);
    assert_eq!(digest(" trim "), 0x5b33_c0ef_512a_fe89);
    assert_ne!(digest("trim > keep 3"), digest("keep 3 > trim"));
}
