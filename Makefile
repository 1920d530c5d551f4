# .ci/setup installs what is missing, then runs the command that follows it.
.PHONY: demo test

# A registry with invented patients on a private PostgreSQL. Options: make demo ARGS="--help"
demo:
	.ci/setup cargo run --release --bin painreg -- demo $(ARGS)

# Unit, property, integration and documentation tests.
test:
	.ci/setup --tests cargo test --workspace --no-fail-fast
