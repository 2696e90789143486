//! One suite for all clients: each scenario is written once and run for each client that it holds for.
//!
//! A test is named after its client and its scenario: `kube::a_rejected_token_is_renewed_and_the_request_sent_once_more`.
//! What only one client has is in a module of its own: `streams` (kube), `reqwest_only`, `kube_only`, `layer` and `tonic`
//! (tower), `tls` (rustls), `blocking`.
//!
//! This process has two crypto providers compiled in, so rustls has no default, and a client that named none would panic.

#[path = "../../../tests/scene/mod.rs"]
mod scene;

mod blocking;
mod following;
mod identity;
mod kube_only;
mod layer;
mod paths;
mod proxy;
mod redirects;
mod rejection;
mod reqwest_only;
mod revocation;
mod rotation;
mod streams;
mod tls;
mod tonic;
mod trust;
mod under_test;
mod world;

/// Makes a test of each scenario for one client: those with few requests on one thread, so that a connection is back in
/// its pool when the next request comes, and those with many requests on two.
macro_rules! tests_of {
    ($client:ty: few [$($module:ident :: $few:ident)*] many [$($source:ident :: $many:ident)*]) => {
        $(
            #[tokio::test]
            async fn $few() {
                crate::$module::$few::<$client>().await;
            }
        )*
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $many() {
                crate::$source::$many::<$client>().await;
            }
        )*
    };
}

/// The scenarios of each client: those of every client, those of the clients that connect by themselves, those of the
/// clients that decompress answers, and those of a client whose body can be a stream.
macro_rules! suite {
    (
        every_client: [$($all:ident :: $every:ident),* $(,)?],
        every_client_with_many_requests: [$($crowd:ident :: $every_many:ident),* $(,)?],
        connecting: [$($own:ident :: $connecting:ident),* $(,)?],
        compressing: [$($gzip:ident :: $compressing:ident),* $(,)?],
        connecting_with_many_requests: [$($own_crowd:ident :: $connecting_many:ident),* $(,)?],
        streaming: [$($body:ident :: $streaming:ident),* $(,)?],
    ) => {
        mod reqwest {
            tests_of!(crate::under_test::Reqwest:
                few [$($all::$every)* $($own::$connecting)* $($gzip::$compressing)* $($body::$streaming)*]
                many [$($crowd::$every_many)* $($own_crowd::$connecting_many)*]);
        }

        mod hyper {
            tests_of!(crate::under_test::Hyper:
                few [$($all::$every)* $($own::$connecting)* $($body::$streaming)*]
                many [$($crowd::$every_many)* $($own_crowd::$connecting_many)*]);
        }

        mod kube {
            tests_of!(crate::under_test::Kube:
                few [$($all::$every)* $($own::$connecting)* $($gzip::$compressing)*]
                many [$($crowd::$every_many)* $($own_crowd::$connecting_many)*]);
        }

        mod tower {
            tests_of!(crate::under_test::Tower:
                few [$($all::$every)* $($body::$streaming)*]
                many [$($crowd::$every_many)*]);
        }
    };
}

suite! {
    every_client: [
        identity::each_kind_of_credential_arrives_over_both_protocols,
        identity::impersonation_headers_arrive_over_both_protocols,
        identity::headers_that_the_request_has_are_kept,
        identity::the_servers_own_path_prefixes_every_request,
        identity::an_unencrypted_server_gets_no_credential_and_the_configuration_warns,
        identity::an_unencrypted_server_gets_the_credential_where_it_is_allowed_by_name,
        identity::a_key_of_another_pair_never_becomes_an_anonymous_request,
        paths::a_path_that_leaves_the_servers_own_is_refused_in_every_spelling,
        paths::a_path_that_climbs_and_stays_below_arrives,
        paths::a_url_outside_of_the_servers_own_path_is_refused,
        redirects::a_redirect_to_another_origin_is_returned_and_nothing_goes_there,
        rejection::a_rejected_token_is_renewed_and_the_request_sent_once_more,
        rejection::a_server_that_rejects_everything_causes_no_storm,
        rejection::without_a_newer_credential_the_401_is_returned,
        rejection::the_error_of_the_credential_source_reaches_the_caller,
        rejection::a_request_to_another_origin_gets_no_credential,
        revocation::one_api_that_always_rejects_causes_a_bounded_number_of_fetches,
        trust::a_server_of_another_authority_gets_nothing,
        trust::insecure_accepts_any_certificate_of_the_clusters_host,
        trust::a_certificate_for_another_name_is_refused,
        trust::a_tls_server_name_is_sent_and_checked_and_the_host_stays_the_servers,
        trust::a_tls_server_name_that_is_an_address_is_checked_too,
        trust::a_server_that_is_gone_is_an_error_without_a_secret,
    ],
    every_client_with_many_requests: [
        rejection::a_thousand_401s_of_one_generation_are_one_refresh_and_fail_no_request,
        rotation::two_hundred_requests_at_once_survive_the_change_of_a_token_with_one_fetch,
        revocation::tokens_that_are_revoked_one_after_the_other_fail_no_request,
        revocation::a_server_with_a_token_cache_fails_no_request_either,
    ],
    connecting: [
        identity::a_key_of_another_pair_is_an_error_until_the_right_one_comes,
        proxy::the_connection_goes_through_the_proxy_which_gets_its_password_and_no_credential,
        proxy::a_proxy_that_fails_is_an_error_without_its_password,
        proxy::each_kind_of_proxy_leads_to_a_server_of_another_tls_name_and_sees_no_certificate,
        proxy::behind_an_encrypted_proxy_a_rejected_token_is_renewed_and_the_request_sent_once_more,
        proxy::an_encrypted_proxy_must_be_of_the_clusters_authorities_as_for_kubectl,
        proxy::the_proxy_of_the_environment_is_not_used,
        rotation::a_certificate_that_is_replaced_without_a_401_needs_new_connections_too,
        rotation::a_certificate_that_becomes_a_token_is_not_sent_any_more,
        rotation::a_certificate_that_was_expired_on_arrival_does_not_take_over_the_pool,
        rotation::new_authorities_are_read_as_soon_as_the_server_has_them,
    ],
    compressing: [
        identity::compression_is_asked_for_unless_it_is_disabled,
    ],
    connecting_with_many_requests: [
        rotation::after_the_change_of_a_certificate_no_request_arrives_with_the_old_one,
        revocation::short_certificates_that_are_swapped_in_time_fail_no_request,
        following::a_kubeconfig_that_is_rewritten_under_load_fails_no_request,
        following::an_allowed_server_is_reached_with_its_own_token_only,
    ],
    streaming: [
        rejection::a_body_that_cannot_be_sent_twice_gets_the_401_and_the_next_request_is_good,
    ],
}
