# The recipes that CONTRIBUTING names. `just` lists them; each is a plain command that also works without `just`.

_list:
    @just --list --unsorted

# the five acts of the quickstart
quickstart:
    cargo run --example quickstart

# all tests
test:
    cargo test --workspace

# the tests of one crate: just test-one kubex-exec
test-one crate:
    cargo test -p {{crate}}

# format and clippy, as in the gate
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# the documentation, with warnings as errors
doc:
    RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --all-features

# write the pinned output of the command and of wrong configurations again; read the diff
pins:
    TRYCMD=overwrite cargo test -p kubex-cli --test command
    UPDATE_EXPECTED=1 cargo test -p kubex-tests --test config

# the comparison with kubectl
conformance:
    cargo test -p kubex-tests --test conformance

# one fuzz target, for so many seconds (needs a nightly toolchain and cargo-fuzz)
fuzz target seconds="60":
    cargo +nightly fuzz run --fuzz-dir tests/fuzz {{target}} -- -max_total_time={{seconds}}

# the tables of docs/performance.md
bench:
    tests/benches/table

# the site of the docs in target/site, with its links checked (needs mdbook)
site:
    docs/site

# draw the pictures of the docs again, from what the command prints now
pictures:
    cargo build -p kubex-cli
    docs/pictures/draw

# the released command with its dependency list inside, and its SBOM (needs cargo-auditable and cargo-cyclonedx)
release:
    cargo auditable build --locked --release -p kubex-cli
    cargo cyclonedx --format json --manifest-path kubex/cli/Cargo.toml

# everything that the gate checks
gate:
    .ci/run
