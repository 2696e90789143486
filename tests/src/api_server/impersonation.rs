//! Impersonation: acting as another user by `Impersonate-*` headers.
//!
//! The rules are those of kube-apiserver's `impersonation.go`, except that no user is refused: this server has no
//! authorization.

use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;

use super::user::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, User};

const USER: &str = "impersonate-user";
const UID: &str = "impersonate-uid";
const GROUP: &str = "impersonate-group";
const EXTRA_PREFIX: &str = "impersonate-extra-";

/// A group, uid or extra came without a user: 400.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WithoutUser;

/// Whom the request acts as: `requester`, unless its headers name another user.
pub(super) fn acting_user(requester: &User, headers: &HeaderMap) -> Result<User, WithoutUser> {
    let groups: Vec<String> = headers.get_all(GROUP).iter().map(text).collect();
    let extras: Vec<(String, String)> = headers
        .iter()
        .filter_map(|(name, value)| {
            let key = name.as_str().strip_prefix(EXTRA_PREFIX)?;
            Some((extra_key(key), text(value)))
        })
        .collect();
    let uid = headers.get(UID).map(text).filter(|uid| !uid.is_empty());
    let Some(name) = headers.get(USER).map(text).filter(|name| !name.is_empty()) else {
        let is_partial = !groups.is_empty() || !extras.is_empty() || uid.is_some();
        return if is_partial {
            Err(WithoutUser)
        } else {
            Ok(requester.clone())
        };
    };

    let mut user = User::new(name);
    user = if groups.is_empty() {
        with_service_account_groups(user)
    } else {
        groups.into_iter().fold(user, User::group)
    };
    user = extras
        .into_iter()
        .fold(user, |user, (key, value)| user.extra(key, value));
    if let Some(uid) = uid {
        user = user.uid(uid);
    }
    Ok(if user.name() == ANONYMOUS {
        user.also_in(UNAUTHENTICATED)
    } else if user.groups().iter().any(|group| group == UNAUTHENTICATED) {
        user
    } else {
        user.also_in(AUTHENTICATED)
    })
}

/// The `Impersonate-*` headers in order.
pub(super) fn impersonation_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("impersonate-"))
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect()
}

/// A service account that is impersonated without groups gets those of a service account.
fn with_service_account_groups(user: User) -> User {
    let Some((namespace, _)) = user
        .name()
        .strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.split_once(':'))
    else {
        return user;
    };
    let of_namespace = format!("system:serviceaccounts:{namespace}");
    user.group("system:serviceaccounts").group(of_namespace)
}

/// The key of an extra: lower case (header names always are, here) and then percent-decoded, so that an upper-case
/// letter survives only as `%41`. A malformed escape leaves the whole key as it came, as Go's `url.PathUnescape` fails.
fn extra_key(encoded: &str) -> String {
    let is_well_formed = encoded.split('%').skip(1).all(|after| {
        let mut digits = after.bytes();
        digits.next().is_some_and(|digit| digit.is_ascii_hexdigit())
            && digits.next().is_some_and(|digit| digit.is_ascii_hexdigit())
    });
    if is_well_formed {
        percent_decode_str(encoded).decode_utf8_lossy().into_owned()
    } else {
        encoded.to_owned()
    }
}

/// A header's value, raw: nothing is decoded.
fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|&(name, value)| {
                (
                    HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn without_headers_the_requester_acts_as_itself() {
        let jane = User::new("jane").group("dev");
        assert_eq!(acting_user(&jane, &HeaderMap::new()), Ok(jane));
    }

    #[test]
    fn extra_keys_are_lowered_and_decoded_and_their_values_are_raw() {
        let found = acting_user(
            &User::new("root"),
            &headers(&[
                ("Impersonate-User", "jane"),
                ("Impersonate-Extra-Acme.com%2FProject", "a%2Fb"),
                ("Impersonate-Extra-Bad%zz", "1"),
            ]),
        );
        let expected = User::new("jane")
            .extra("acme.com/project", "a%2Fb")
            .extra("bad%zz", "1")
            .group(AUTHENTICATED);
        assert_eq!(found, Ok(expected));
    }

    #[test]
    fn a_service_account_gets_the_groups_of_one_unless_groups_are_named() {
        let name = "system:serviceaccount:build:runner";
        let found = acting_user(&User::new("root"), &headers(&[("Impersonate-User", name)])).unwrap();
        assert_eq!(
            found.groups(),
            [
                "system:serviceaccounts",
                "system:serviceaccounts:build",
                AUTHENTICATED
            ]
        );

        let named = headers(&[("Impersonate-User", name), ("Impersonate-Group", "dev")]);
        assert_eq!(
            acting_user(&User::new("root"), &named).unwrap().groups(),
            ["dev", AUTHENTICATED]
        );
    }

    #[test]
    fn the_anonymous_user_is_not_authenticated_by_being_impersonated() {
        let found = acting_user(&User::new("root"), &headers(&[("Impersonate-User", ANONYMOUS)]));
        assert_eq!(found, Ok(User::anonymous()));
    }

    #[test]
    fn a_group_a_uid_or_an_extra_needs_a_user() {
        for lonely in ["Impersonate-Group", "Impersonate-Uid", "Impersonate-Extra-Team"] {
            let found = acting_user(&User::new("root"), &headers(&[(lonely, "value")]));
            assert_eq!(found, Err(WithoutUser), "{lonely}");
        }
    }
}
