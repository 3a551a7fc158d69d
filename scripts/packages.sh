# Sourced by the other scripts: which Debian 12 packages Hearback needs and why, and `need SET...`, which installs the
# missing ones. Works offline once they are there.

packages_build="
gcc: compiles Hearback
libc6-dev: headers of the C library
cmake: describes the build
ninja-build: runs the build
pkg-config: finds the libraries
libzmq3-dev: the bus between services
libprotobuf-c-dev: events, commands and records
protobuf-c-compiler: generates their code
protobuf-compiler: reads the .proto files
liblmdb-dev: the store
libev-dev: the event loop
libsodium-dev: sealing of personal data, hash chain, CURVE
libjansson-dev: JSON
libyaml-dev: policy packs and configuration
libutf8proc-dev: characters that mean the same, for search
libmicrohttpd-dev: the HTTP server of the gateway
zlib1g-dev: ZIP files (XLSX export, office files)
libcurl4-openssl-dev: SMTP, IMAP, and the hearback command's HTTP
libgmime-3.0-dev: reads mails that come in
libseccomp-dev: shuts in the process that does
libqrencode-dev: QR codes of places and receipts
libmagic-dev: what kind of file a file is, by its bytes (hearback-inspect)
tzdata: time zones"

packages_console="
nodejs: builds the console
npm: fetches what it is built from"

packages_run="
libzmq5: the bus between services
libprotobuf-c1: events, commands and records
liblmdb0: the store
libev4: the event loop
libsodium23: sealing of personal data, hash chain, CURVE
libjansson4: JSON
libyaml-0-2: policy packs and configuration
libutf8proc2: characters that mean the same, for search
libmicrohttpd12: the HTTP server of the gateway
zlib1g: ZIP files (XLSX export, office files)
libcurl4: SMTP, IMAP, and the hearback command's HTTP
libgmime-3.0-0: reads mails that come in
libglib2.0-0: what it is made with
libseccomp2: shuts in the process that does
libqrencode4: QR codes of places and receipts
libmagic1: what kind of file a file is, by its bytes (hearback-inspect)
tzdata: time zones
ca-certificates: whom smtps and https trust
graphviz: draws flow charts (hearback policy flow)"

packages_tests="
python3-yaml: reads docker/compose.yaml
python3-jsonschema: holds it against the schema of the Compose Specification, and openapi.json against that of OpenAPI
iproute2: network namespaces as machines
libcmocka-dev: unit tests
python3: drives the system tests from outside
python3-aiosmtpd: a real SMTP server that mails must reach
dovecot-imapd: a real IMAP server that mails are taken from
faketime: a clock that jumps, for the services alone
systemd: checks the units of scripts/systemd (systemd-analyze)
libasan8: address sanitizer
libubsan1: undefined behaviour sanitizer
libtsan2: thread sanitizer
chromium: the browser of the browser tests
chromium-driver: drives it
fonts-noto-cjk: shows Chinese in it
graphviz: draws flow charts (hearback policy flow)"

packages_format="
clang-format: lays out the C sources (.clang-format)"

packages_check="
clang-tidy: finds what compilers do not warn of (.clang-tidy)"

packages_root="
debootstrap: makes the root in which the steps of docker/Dockerfile are done"

packages_memcheck="
valgrind: sees what libraries do with our memory"

packages_fuzz="
clang: compiles what libFuzzer runs
libclang-rt-14-dev: libFuzzer and its sanitizers"

have_package() { dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

# need build|tests ...: installs what is missing, saying which and why.
need() {
  local set line name missing=()
  for set in "$@"; do
    local list=packages_$set
    while IFS= read -r line; do
      name=${line%%:*}
      if [ -n "$name" ] && ! have_package "$name"; then
        echo "missing package $line"
        missing+=("$name")
      fi
    done <<<"${!list}"
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "These packages must be installed by root, and there is no sudo: apt-get install ${missing[*]}" >&2; return 1; }
    root=(sudo)
  fi
  echo "installing ${#missing[@]} packages with apt-get ..."
  local log
  log=$(mktemp)
  if ! { "${root[@]}" apt-get update -q && "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "apt-get could not install: ${missing[*]}. Is this Debian 12 with a reachable mirror?" >&2
    return 1
  fi
  rm -f "$log"
}

# need_console: what builds the console. Without it everything else is built all the same, and /console/ says what is missing.
need_console() {
  command -v node >/dev/null && command -v npm >/dev/null && return 0
  need console || echo "without nodejs and npm the console is left out" >&2
}

# build PRESET FOLDER ON|OFF: configures with or without the tests and builds, quietly unless it fails.
build() {
  local log # a fourth argument: that target alone
  log=$(mktemp)
  if ! { cmake --preset "$1" -DHEARBACK_TESTS="$3" && cmake --build "$2" --target "${4:-all}"; } >"$log" 2>&1; then
    grep -E 'error|FAILED|CMake Error' "$log" | head -n 20 >&2
    echo "the build ($1) failed; all of its output is in $log" >&2
    return 1
  fi
  grep '^console: left out' "$log" >&2 || true # under set -e
  rm -f "$log"
}
