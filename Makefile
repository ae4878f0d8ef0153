.PHONY: run open test bench proof
run:
	cargo run --release --
