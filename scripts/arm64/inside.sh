# Runs in the guest, in the work tree (shared read-only): puts the arm64 builds in place and starts the tests.
set -eu
mkdir -p /tmp/dist/lib /tmp/addon
cp -r dist/bin /tmp/dist/bin
cp dist/lib/*.cjs dist/lib/*.mjs /tmp/dist/lib/
cp dist/package.json dist/.built /tmp/dist/
cp -r dist/lib/arm64 dist/lib/arm /tmp/dist/lib/
cp dist/lib/arm64/* /tmp/dist/lib/
mv /tmp/dist/lib/debuggerd /tmp/dist/bin/
cp dist/lib/arm64/ptrace.node /tmp/addon/
cp /shared/target /tmp/target
mount -o bind /tmp/dist dist
mount -o bind /tmp/addon native/ptrace-napi/build
mount -o bind /deps/node_modules node_modules
export CI=1 NO_COLOR=1 TESTS_EMULATED=1 PTRACE_NAPI_TARGET=/tmp/target NODE_COMPILE_CACHE=/tmp/compile-cache
if [ -d /shared/samples ]; then export SAMPLES_DIR=/shared/samples; fi
if [ -s /shared/command ]; then exec sh /shared/command; fi
# Word splitting is meant: one argument a line.
exec node node_modules/vitest/vitest.mjs run --config test/arm64/vitest.config.ts $(cat /shared/filters)
