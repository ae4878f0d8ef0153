# make run    serve the bundled course at https://localhost:4433/; sign in under any name
# make open   a throw-away Chromium that speaks HTTP/3 to it
# make test   install what the tests need, then every check and suite, with their times
# make bench  measure a fresh server and print the table
# make bench-micro  criterion benches: QPACK, frames, timer wheel, segment building, routing
# make proof  the large scenarios (hundreds of thousands of connections)
.PHONY: run open test bench bench-micro proof

run:
	@echo "building; then open https://localhost:4433/ (make open: over HTTP/3)"
	cargo run --release --bin lamplight -- serve --set identity.mode=dev

open:
	scripts/open.sh

test:
	scripts/setup-test.sh
	scripts/test.sh

bench:
	scripts/bench.sh

bench-micro:
	cargo bench --quiet

proof:
	scripts/proof.sh
