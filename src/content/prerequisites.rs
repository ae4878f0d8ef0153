//! Courses that ask for other courses: whether one can ever begin.

use crate::content::stand::Stand;
use crate::course::Course;
use crate::course::Problem;
use crate::course::Slug;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

/// The courses to be passed before `course`, without those that nobody could ever pass: what is no
/// course here, and what asks for `course` in its turn.
pub(crate) fn of<'a>(
    course: &Course,
    find: &dyn Fn(&Slug) -> Option<&'a Course>,
) -> Vec<&'a Course> {
    let known = course.prerequisites.iter().filter_map(find);
    known
        .filter(|wanted| !asks_for(wanted, &course.id, find))
        .collect()
}

/// Whether `course` is `wanted`, or asks for it over however many courses.
fn asks_for<'a>(
    course: &'a Course,
    wanted: &Slug,
    find: &dyn Fn(&Slug) -> Option<&'a Course>,
) -> bool {
    let (mut seen, mut left) = (HashSet::new(), vec![course]);
    while let Some(course) = left.pop() {
        if course.id == *wanted {
            return true;
        }
        if seen.insert(&course.id) {
            left.extend(course.prerequisites.iter().filter_map(find));
        }
    }
    false
}

/// Prerequisites that are no course, and circles that nobody can enter. The courses are served
/// nevertheless, and [`of`] ignores what is reported here.
pub(crate) fn problems(courses: &[Arc<Course>], stands: &[Arc<Stand>]) -> Vec<Problem> {
    let by_id: HashMap<&Slug, &Course> = courses.iter().map(|c| (&c.id, &**c)).collect();
    let folders: HashMap<&Slug, &str> = stands
        .iter()
        .filter_map(|stand| Some((&stand.served.as_ref()?.course.id, stand.folder.as_str())))
        .collect();
    let file = |id: &Slug| match folders.get(id) {
        Some(folder) if !folder.is_empty() => format!("{folder}/course.toml"),
        _ => "course.toml".to_owned(),
    };
    let mut problems = Vec::new();
    for course in courses {
        for wanted in course
            .prerequisites
            .iter()
            .filter(|p| !by_id.contains_key(p))
        {
            let what = format!("`prerequisites` names `{wanted}`, which is no course here");
            let remedy = "correct the id, or add the course";
            problems.push(Problem::new(file(&course.id), what, remedy));
        }
    }
    let mut seen = HashSet::new();
    for course in courses {
        if let Some(circle) = circle(course, &by_id, &mut seen) {
            let names: Vec<&str> = circle.iter().map(|id| id.as_str()).collect();
            let what = format!(
                "`prerequisites` run in a circle, so that nobody can begin: {}",
                names.join(" → ")
            );
            let remedy = "take one of them out";
            problems.push(Problem::new(file(&course.id), what, remedy));
        }
    }
    problems
}

/// A way from `course` back to a course on that way, the first id again at its end. Each course is
/// walked through once over all calls.
fn circle<'a>(
    course: &'a Course,
    by_id: &HashMap<&Slug, &'a Course>,
    seen: &mut HashSet<&'a Slug>,
) -> Option<Vec<&'a Slug>> {
    if !seen.insert(&course.id) {
        return None;
    }
    // Own stack: a chain may be as long as the catalogue.
    let mut way = vec![(course, 0)];
    while let Some((at, next)) = way.last_mut() {
        let Some(wanted) = at.prerequisites.get(*next) else {
            way.pop();
            continue;
        };
        *next += 1;
        if let Some(from) = way.iter().position(|(on, _)| on.id == *wanted) {
            let mut circle: Vec<&Slug> = way.iter().skip(from).map(|(on, _)| &on.id).collect();
            circle.extend(circle.first().copied());
            return Some(circle);
        }
        if let Some(further) = by_id.get(wanted)
            && seen.insert(&further.id)
        {
            way.push((further, 0));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::content::Catalogue;
    use crate::course::Course;
    use crate::course::Language;
    use crate::course::Slug;
    use crate::course::Texts;

    fn course(id: &str, prerequisites: &[&str]) -> Course {
        let vi = Language::parse("vi").unwrap();
        Course {
            id: Slug::parse(id).unwrap(),
            revision: 1,
            title: Texts::one(vi.clone(), id),
            summary: Texts::default(),
            languages: vec![vi],
            audience: Vec::new(),
            prerequisites: prerequisites
                .iter()
                .filter_map(|p| Slug::parse(p))
                .collect(),
            license: None,
            pass: 0.7,
            lessons: Vec::new(),
            quizzes: Vec::new(),
        }
    }

    fn found(courses: &[(&str, &[&str])]) -> Vec<String> {
        let courses = courses.iter().map(|(id, p)| course(id, p)).collect();
        let catalogue = Catalogue::of(courses);
        catalogue
            .problems()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_circle_of_prerequisites_is_named_once_and_in_order() {
        let problems = found(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"]), ("d", &["a"])]);
        let circle = "`prerequisites` run in a circle, so that nobody can begin: b → c → b";
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(circle), "{problems:?}");
        assert!(found(&[("a", &["a"])])[0].contains("a → a"));
    }

    #[test]
    fn many_ways_to_one_course_are_no_circle() {
        let courses: [(&str, &[&str]); 4] =
            [("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])];
        assert_eq!(found(&courses), Vec::<String>::new());
    }

    #[test]
    fn nobody_is_kept_out_for_ever() {
        let courses: [(&str, &[&str]); 6] = [
            ("a", &["b", "x"]),
            ("b", &["c"]),
            ("c", &[]),
            ("d", &["e", "c"]),
            ("e", &["d"]),
            ("f", &["f", "a"]),
        ];
        let courses = courses.iter().map(|(id, p)| course(id, p)).collect();
        let catalogue = Catalogue::of(courses);
        let asked = |id| {
            let course = catalogue.course(id).unwrap();
            let asked = catalogue.prerequisites(course);
            asked.iter().map(|c| c.id.as_str()).collect::<Vec<_>>()
        };
        assert_eq!((asked("a"), asked("b")), (vec!["b"], vec!["c"]));
        assert_eq!((asked("d"), asked("f")), (vec!["c"], vec!["a"]));
        let key = catalogue.course("a").unwrap().key();
        assert_eq!(catalogue.course_of(key), catalogue.course("a"));
    }

    #[test]
    fn an_unknown_prerequisite_is_named() {
        let problems = found(&[("a", &["x"])]);
        assert!(problems[0].starts_with("a/course.toml: `prerequisites` names `x`"));
    }

    #[test]
    fn a_chain_as_long_as_the_catalogue_is_walked_without_deep_calls() {
        let ids: Vec<String> = (0..10_000).map(|n| format!("c{n}")).collect();
        let courses = (0..10_000).map(|n| {
            let next = ids.get(n + 1).map(String::as_str);
            course(&ids[n], next.as_slice())
        });
        assert_eq!(Catalogue::of(courses.collect()).problems(), []);
    }
}
