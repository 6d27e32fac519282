//! Which JSON files of a folder or an archive hold tasks, and the split that their folders say.

use stratagem_domain::Split;

use crate::name;

/// A file that holds tasks: its place in the list that was given, and its folder's split.
pub(crate) type Chosen = (usize, Split);

/// Two layouts in one folder: reading either one would drop the other silently.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ambiguity(pub &'static str, pub &'static str);

/// Picks the files of the layout that the paths have; none where they have none.
///
/// A checkout with `data/training` may hold other JSON beside `data`. Where nothing is found and
/// all files lie below one folder (as in GitHub's archives), that folder is looked at instead.
pub(crate) fn choose(files: &[Vec<String>], folder: &str) -> Result<Vec<Chosen>, Ambiguity> {
    let mut view: Vec<(usize, &[String])> = files.iter().map(Vec::as_slice).enumerate().collect();
    let mut folder = folder.to_owned();
    loop {
        let direct = pick(&view, |path| match path {
            [split, _] => known_split(split),
            _ => None,
        });
        let nested = pick(&view, |path| match path {
            [data, split, _] if data == "data" => known_split(split),
            _ => None,
        });
        let own = name::of_folder(&folder);
        let flat = pick(&view, |path| (path.len() == 1).then_some(own));
        let flat_data = pick(&view, |path| (path.len() == 2 && path[0] == "data").then_some(Split::Custom));
        match (direct.is_empty(), nested.is_empty(), flat.is_empty()) {
            (true, false, _) => return Ok(nested),
            (false, false, _) => {
                return Err(Ambiguity("training or evaluation", "data/training or data/evaluation"));
            }
            (false, true, false) => return Err(Ambiguity("folders of splits", "JSON files")),
            (false, true, true) => return Ok(direct),
            (true, true, false) => return Ok(flat),
            (true, true, true) if !flat_data.is_empty() => return Ok(flat_data),
            (true, true, true) => {}
        }
        match view.first() {
            Some((_, [top, _, ..])) if view.iter().all(|(_, path)| path.len() > 1 && path[0] == *top) => {
                folder.clone_from(top);
                for (_, path) in &mut view {
                    *path = &path[1..];
                }
            }
            _ => return Ok(Vec::new()),
        }
    }
}

fn pick(view: &[(usize, &[String])], rule: impl Fn(&[String]) -> Option<Split>) -> Vec<Chosen> {
    view.iter().filter_map(|(at, path)| Some((*at, rule(path)?))).collect()
}

/// The split of a folder's name, where it says one.
pub(crate) fn known_split(name: &str) -> Option<Split> {
    Some(name::of_folder(name)).filter(|split| *split != Split::Custom)
}

/// True for names that hold no tasks by convention: hidden ones, macOS's, Kaggle's sample.
pub(crate) fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || name == "__MACOSX" || name == "sample_submission.json"
}

/// True for the name of a JSON file.
pub(crate) fn is_json(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(files: &[&str], folder: &str) -> Result<Vec<Chosen>, Ambiguity> {
        let files: Vec<Vec<String>> =
            files.iter().map(|path| path.split('/').map(str::to_owned).collect()).collect();
        choose(&files, folder)
    }

    #[test]
    fn each_layout_is_told_from_the_others() {
        use Split::{Custom, Evaluation, Training};
        let cases: [(&[&str], &str, &[Chosen]); 9] = [
            (&["training/a.json", "evaluation/b.json"], "x", &[(0, Training), (1, Evaluation)]),
            (&["package.json", "data/training/a.json"], "x", &[(1, Training)]),
            (&["a.json", "b.json"], "evaluation", &[(0, Evaluation), (1, Evaluation)]),
            (&["a.json"], "mine", &[(0, Custom)]),
            (&["data/a.json"], "mine", &[(0, Custom)]),
            (&["ARC-AGI-master/apps/x.json", "ARC-AGI-master/data/training/a.json"], "z", &[(1, Training)]),
            (&["top/evaluation/a.json"], "z", &[(0, Evaluation)]),
            (&["one/a.json", "two/b.json"], "z", &[]),
            (&[], "z", &[]),
        ];
        for (files, folder, expected) in cases {
            assert_eq!(chosen(files, folder).as_deref(), Ok(expected), "{files:?}");
        }
    }

    #[test]
    fn two_layouts_in_one_folder_are_refused() {
        assert!(chosen(&["a.json", "training/b.json"], "x").is_err());
        assert!(chosen(&["training/a.json", "data/training/b.json"], "x").is_err());
    }
}
