//! Layout rules by example, as text and back, and on any grid.

use stratagem_dsl::layout::LayoutRule;
use stratagem_dsl::{Grid, Program, Size};

fn grid(rows: &str) -> Grid {
    rows.parse().expect("a grid")
}

/// A rule, an input, and what the rule makes of it.
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("components around > most of ink > take", "1100/0000/0333", "333"),
    ("components around > is cells 3 1 > take > rigid flip-x", "1100/0000/0312", "213"),
    ("boxes beside-alike > most of area > take > recolour 5=6", "22200/25200/22200", "222/262/222"),
    ("colours > least of ink > take > stretch 2 1", "1110/0202", "220022"),
    ("frames > most of area > take", "40000/02220/02120/02220/00000", "222/212/222"),
    ("insides > all > take", "40000/02220/02120/02220/00000", "1"),
    ("brackets > all > take", "03030/05050/05150/03030/00000", "303/505/515/303"),
    ("panels > all > merge order 1 0", "10520/01502", "20/02"),
    ("panels > all > merge count 0=0 1=10 2=8", "10520/01502", "80/08"),
    ("panels > all > merge bits 0=4 1=0 2=0 3=0", "10500/01502", "04/40"),
    ("equal 2 2 > all > summary most", "1133/1033/0022/0022", "13/02"),
    ("panels > all > summary table of ink : 0=0 1=3 2=4", "10511/00500", "34"),
    ("components beside > all > summary main", "1100002/0000000/0300004", "12/34"),
    ("components beside > all > series of ink ; falling ; column", "1022/1000/1000", "1/2"),
    ("cells > all > series of right ; rising ; fill 2 2 snake", "1020/0003", "12/03"),
    ("colours > all > series of ink ; falling ; bars of ink", "1122/1000", "12/12/10"),
    ("components beside > all > line of ink ; rising ; beside start 1", "110002/100000", "2011/0010"),
    ("components beside > all > table number : 1=7 2=8/8", "1020", "8/8"),
    ("components around > all > puzzle jigsaw", "110/100/002/022", "11/12/22"),
    ("components around > all > puzzle marker 5", "1500/0000/0052", "152"),
    ("colours > all > puzzle concentric", "3330/3030/3330/0000/2000", "333/323/333"),
    (
        "components around > all > puzzle compass",
        "2200030/0200033/0000000/0110004/0100044",
        "1122/1002/3004/3344",
    ),
    ("squares > all > pair of colours ; print", "8812/0830", "1122/0102/3300/0300"),
    ("components around > all > pair of area ; mask-down", "1100000/1100023/0011045/0011000", "20/05"),
    ("whole > all > hidden 9", "123321/456654/499654", "56"),
    ("whole > all > tiling places 2 : same ; rigid flip-x", "12", "1221"),
    ("whole > all > tiling cells is 1 ; same ; blank", "12/02", "1200/0200/0000/0000"),
    ("whole > all > tiling unfold 2 1", "123", "12321"),
    ("whole > all > tiling copies colours ink", "12/00", "1212/0000/0000/0000"),
    ("whole > all > tiling blocks 1=12/21 0=00/00", "10", "1200/2100"),
    ("whole > all > tiling period", "121212", "12"),
    ("panels > all > redraw flood most of ink", "1052205/0052005", "0052225/0052225"),
    ("panels > all > redraw read table of colour : 1=2 2=3", "10502/00500", "22533/22533"),
    ("whole > all > stamp main-body", "2110000/0110020", "2110000/0110021"),
    ("erase 7 > components around > most of ink > take", "77700/70700/00022", "22"),
];

#[test]
fn rules_do_what_they_say() {
    let wrong = EXAMPLES.iter().filter_map(|&(text, input, expected)| {
        let rule: LayoutRule = text.parse().expect(text);
        let drawn = rule.run(&grid(input));
        (drawn != Some(grid(expected))).then(|| format!("{text} on {input} draws {drawn:?}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rules_print_as_they_parse() {
    for &(text, _, _) in EXAMPLES {
        let rule: LayoutRule = text.parse().expect(text);
        assert_eq!(rule.to_string(), text);
        let program = format!("view background | layout {text}");
        assert_eq!(program.parse::<Program>().expect("a program").to_string(), program);
        assert!(rule.explain().ends_with('.'));
    }
    for bad in [
        "",
        "whole",
        "whole > all",
        "whole > all > dance",
        "whole > most > take",
        "whole > all > take > dance",
    ] {
        assert!(bad.parse::<LayoutRule>().is_err(), "{bad:?}");
    }
}

#[test]
fn no_rule_panics_on_any_grid() {
    let mut state = 7u64;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let rules: Vec<LayoutRule> = EXAMPLES.iter().map(|(text, _, _)| text.parse().expect("a rule")).collect();
    for round in 0..120 {
        let size = Size::new(1 + next(30), 1 + next(30));
        let (ink, colours) = (1 + next(10), 1 + next(9));
        let input = Grid::build(size, |_, _| if next(10) < ink { next(colours + 1) as u8 } else { 0 });
        let input = input.expect("a grid");
        for (cut, act) in [(round, round), (round, round + 1), (round, round + 5)] {
            let (cut, act) = (&rules[cut % rules.len()], &rules[act % rules.len()]);
            let mixed = LayoutRule { act: act.act.clone(), finish: act.finish.clone(), ..cut.clone() };
            if let Some(answer) = mixed.run(&input) {
                assert!(answer.size().fits_working());
            }
        }
    }
}
