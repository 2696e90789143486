use std::fmt::Write as _;

use super::*;

const DIRECTORY: &str = "/home/jane/.kube";

fn changed(
    text: &str,
    direction: Direction,
    users: Option<&BTreeSet<String>>,
) -> Result<(String, Vec<UserChange>), String> {
    let rewrite = Rewrite {
        directory: Path::new(DIRECTORY),
        direction,
        program: "kubex",
        lifetime: None,
        users,
    };
    rewrite.apply(text)
}

fn wrap_for(text: &str, lifetime: &str) -> Result<(String, Vec<UserChange>), String> {
    let rewrite = Rewrite {
        directory: Path::new(DIRECTORY),
        direction: Direction::Wrap,
        program: "kubex",
        lifetime: Some(lifetime),
        users: None,
    };
    rewrite.apply(text)
}

fn wrap(text: &str) -> Result<(String, Vec<UserChange>), String> {
    changed(text, Direction::Wrap, None)
}

fn unwrap(text: &str) -> Result<(String, Vec<UserChange>), String> {
    changed(text, Direction::Unwrap, None)
}

/// A kubeconfig in lines, with an exec user of these lines.
fn in_lines(exec: &str, indent: &str) -> String {
    let exec = exec.lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{indent}{line}");
        text
    });
    format!(
        "# of the team\napiVersion: v1\nclusters: []\nusers:\n- name: other\n  user: {{token: s3cret}}\n- name: prod\n  user:\n    \
         exec:   # the plugin\n{exec}- name: last\n  user: {{}}\ncurrent-context: ''\n"
    )
}

/// The forms of an exec user that are tried.
fn forms() -> Vec<String> {
    let commands = [
        "aws",
        "'aws'",
        "\"aws\"",
        "/usr/local/bin/aws",
        "./bin/aws",
        "\"\\u0061ws\"",
        "'a ws'",
    ];
    let lists = [
        "args:\n- eks\n- get-token",
        "args:\n  - eks\n  - get-token # the token",
        "args:\n  # first\n  - eks\n\n  - 'get-token'",
        "args: [eks, get-token]",
        "args: [ \"eks\" , 'get-token' ]",
        "args: [\n  eks,\n  get-token\n]",
        "args: []",
        "args: [ ]",
        "args: null",
        "args: ~",
        "args:",
        "",
    ];
    let mut forms = Vec::new();
    for command in commands {
        for (number, list) in lists.iter().enumerate() {
            let (before, after) = if number % 2 == 0 { (*list, "") } else { ("", *list) };
            let exec = format!(
                "apiVersion: client.authentication.k8s.io/v1\n{before}\ncommand: {command}   # runs\n{after}\nenv:\n- name: AWS_PROFILE\n  value: prod"
            );
            forms.push(in_lines(&exec.replace("\n\n", "\n"), "      "));
        }
    }
    for command in ["\"aws\"", "\"/opt/a\\\"ws\""] {
        for list in [
            "\"args\": [\"eks\", \"get-token\"], ",
            "\"args\": [\n \"eks\"\n ],\n ",
            "\"args\": [], ",
            "\"args\": null, ",
            "",
        ] {
            forms.push(format!(
                "{{\"users\": [{{\"name\": \"prod\", \"user\": {{\"exec\": {{{list}\"command\": {command}, \"env\": null}}}}}}], \"kind\": \"Config\"}}"
            ));
            forms.push(format!(
                "users: [{{name: prod, user: {{exec: {{{list}command: {command}}}}}}}]\r\nkind: Config"
            ));
        }
    }
    forms.push("users:\n- name: a\n  user: {exec: &aws {command: aws, args: [a]}}\n- name: b\n  user: {exec: *aws}\n".to_owned());
    forms.push(
        "common: &args [eks]\nusers:\n- name: a\n  user: {exec: {command: aws, args: *args}}\n".to_owned(),
    );
    forms.push("users:\n- name: a\n  user: {exec: {command: aws, args: &args [eks]}}\n- name: b\n  user:\n    exec:\n      args: *args\n      command: gke\n".to_owned());
    forms.push(
        "users:\n- name: a\n  user: &user\n    exec: {command: aws}\n- name: b\n  user: *user\n".to_owned(),
    );
    forms.push(
        "users:\r\n- name: a\r\n  user:\r\n    exec:\r\n      command: aws\r\n      args:\r\n      - eks\r\n"
            .to_owned(),
    );
    forms.push("users:\r\n- name: a\r\n  user:\r\n    exec:\r\n      command: aws\r\n".to_owned());
    forms.push(
        "users:\n- user:\n    exec:\n      args: !!seq [a]\n      command: !!str aws\n  name: a\n".to_owned(),
    );
    forms.push("users:\n- user:\n    exec:\n      command: aws\n      args:\n      - --flag=a b\n      - \"\"\n  name: a\n".to_owned());
    forms
}

#[test]
fn each_form_of_an_exec_user_is_wrapped_and_unwrapped_to_the_byte() {
    let forms = forms();
    assert!(forms.len() >= 60, "{} forms", forms.len());
    for form in &forms {
        let (wrapped, changes) = wrap(form).unwrap_or_else(|why| panic!("{why}:\n{form}"));
        assert!(!changes.is_empty() && wrapped != *form, "{form}");
        for (_, (command, arguments)) in commands(&wrapped).unwrap() {
            assert_eq!(
                (command.as_str(), arguments[0].as_str()),
                ("kubex", "exec"),
                "{wrapped}"
            );
        }
        let (restored, _) = unwrap(&wrapped).unwrap_or_else(|why| panic!("{why}:\n{wrapped}"));
        assert_eq!(restored, *form, "{wrapped}");
        // Once is enough.
        assert!(wrap(&wrapped).unwrap().1.is_empty());
    }
}

#[test]
fn each_form_is_given_a_lifetime_then_another_one_and_is_unwrapped_to_the_byte() {
    for form in &forms() {
        let at_once = wrap_for(form, "10m")
            .unwrap_or_else(|why| panic!("{why}:\n{form}"))
            .0;
        let later = wrap(form).unwrap().0;
        let later = wrap_for(&later, "10m")
            .unwrap_or_else(|why| panic!("{why}:\n{later}"))
            .0;
        assert_eq!(later, at_once);
        let (longer, changes) = wrap_for(&at_once, "1h").unwrap_or_else(|why| panic!("{why}:\n{at_once}"));
        assert!(!changes.is_empty());
        for wrapped in [&at_once, &longer] {
            let lifetime = if wrapped == &longer {
                "--lifetime=1h"
            } else {
                "--lifetime=10m"
            };
            for (_, (_, arguments)) in commands(wrapped).unwrap() {
                assert_eq!(arguments[1], lifetime, "{wrapped}");
            }
            assert_eq!(unwrap(wrapped).unwrap().0, *form, "{wrapped}");
        }
        // The same lifetime in another spelling, and none.
        for again in [wrap_for(&longer, "60m"), wrap_for(&longer, "3600"), wrap(&longer)] {
            assert!(again.unwrap().1.is_empty(), "{longer}");
        }
    }
}

#[test]
fn a_lifetime_in_an_argument_of_its_own_is_replaced_there() {
    let text = in_lines(
        "command: kubex\nargs: [exec, --lifetime, 10m, '--identity-file', f, --, aws, --lifetime=1s]",
        "      ",
    );
    let (changed, _) = wrap_for(&text, "1h").unwrap();
    assert_eq!(changed, text.replace("10m", "1h"));
    assert!(wrap_for(&text, "600s").unwrap().1.is_empty());
    // The argument after the dashes is the plugin's.
    let other = text.replace("--lifetime, 10m, ", "");
    let (changed, _) = wrap_for(&other, "1h").unwrap();
    assert_eq!(changed, other.replace("exec, ", "exec, \"--lifetime=1h\", "));
}

#[test]
fn a_wrapped_user_keeps_its_comments_its_order_and_its_form() {
    let text = in_lines(
        "command: aws # runs\nargs:\n# first\n- eks\nenv:\n- {name: AWS_PROFILE, value: prod}",
        "      ",
    );
    let (wrapped, changes) = wrap(&text).unwrap();
    let expected = text.replace("command: aws #", "command: kubex #").replace(
        "      - eks\n",
        "      - \"exec\"\n      - \"--identity-variable=AWS_PROFILE\"\n      - \"--\"\n      - \"aws\"\n      - eks\n",
    );
    assert_eq!(wrapped, expected);
    let after: Vec<&str> = changes[0].after.1.iter().map(String::as_str).collect();
    assert_eq!(
        after,
        ["exec", "--identity-variable=AWS_PROFILE", "--", "aws", "eks"]
    );
}

#[test]
fn a_relative_command_stays_relative_to_the_kubeconfig() {
    let text = "users:\n- name: a\n  user:\n    exec:\n      command: ./bin/aws\n      args: [eks]\n";
    let (wrapped, changes) = wrap(text).unwrap();
    assert!(
        changes[0].after.1.contains(&format!("{DIRECTORY}/./bin/aws")),
        "{wrapped}"
    );
}

#[test]
fn after_other_edits_unwrapping_restores_the_values() {
    let text = in_lines("command: aws\nargs: [eks, get-token]", "      ");
    let (wrapped, _) = wrap(&text).unwrap();
    // Another program has written the list anew, and an argument more.
    let edited = wrapped.replace(
        "[\"exec\", \"--\", \"aws\", eks, get-token]",
        "[exec, --, aws, eks, get-token, -v]",
    );
    assert_ne!(edited, wrapped);
    let (restored, _) = unwrap(&edited).unwrap();
    let prod = commands(&restored).unwrap().remove(0);
    assert_eq!(
        prod.1,
        (
            "aws".to_owned(),
            vec!["eks".to_owned(), "get-token".to_owned(), "-v".to_owned()]
        )
    );
}

#[test]
fn only_the_chosen_users_are_changed() {
    let text =
        "users:\n- name: a\n  user: {exec: {command: aws}}\n- name: b\n  user: {exec: {command: gke}}\n";
    let users = BTreeSet::from(["b".to_owned()]);
    let (wrapped, changes) = changed(text, Direction::Wrap, Some(&users)).unwrap();
    assert_eq!(changes.len(), 1);
    assert!(wrapped.contains("{command: aws}"), "{wrapped}");
}

#[test]
fn what_cannot_be_edited_safely_is_an_error_and_no_edit() {
    let tabbed = "users: [{name: a, user: {exec: {? command\n: aws}}}]";
    for text in ["users: [", tabbed] {
        let Ok((wrapped, _)) = wrap(text) else { continue };
        assert_eq!(unwrap(&wrapped).unwrap().0, text);
    }
    assert!(wrap("users: []\n").unwrap().1.is_empty());
}
