#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py CLIENT - start the server that a client library is for, on loopback, and the program of that name beside it.

Exit 77, which says "skipped", when the library or the server is not here.  $BIDE_TEST_WRAP, as "valgrind -q", stands before the
program, $BIDE_TEST_SLOW is how much more time it may take.
"""
import contextlib
import glob
import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUILD = os.environ["BIDE_BUILD"]
NOBODY = 65534
READY_S = 60

NGINX = """
load_module %(module)s;
worker_processes 1; daemon off; pid %(dir)s/pid; error_log %(dir)s/log warn; worker_rlimit_nofile 4096;
events { worker_connections 2000; }
http {
    access_log off;
    client_body_temp_path %(dir)s/t1; proxy_temp_path %(dir)s/t2; fastcgi_temp_path %(dir)s/t3;
    uwsgi_temp_path %(dir)s/t4; scgi_temp_path %(dir)s/t5;
    server {
        listen 127.0.0.1:%(http)d backlog=1024; listen 127.0.0.1:%(https)d ssl backlog=1024;
        ssl_certificate %(dir)s/cert.pem; ssl_certificate_key %(dir)s/key.pem;
        location ~ ^/wait/([0-9.]+)/ { set $s $1; echo_sleep $s; echo -n $request_uri; }
    }
}
"""

# Its own keys, cheap algorithms, and as many who log in at once as there are tasks.  HOME: bash reads what is in there.
SSHD = """
ListenAddress 127.0.0.1:%(port)d
HostKey %(dir)s/host
PidFile none
AuthorizedKeysFile %(dir)s/user.pub
AuthenticationMethods publickey
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PermitUserRC no
SetEnv HOME=%(dir)s
KexAlgorithms curve25519-sha256
Ciphers aes128-ctr
MACs hmac-sha2-256
MaxStartups 200
"""


class Missing(Exception):
    """What a test cannot do without."""


def program(*names):
    """The first of these programs that is here."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    raise Missing("there is no " + " and no ".join(names))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def is_open(where):
    """A port, or the path of a Unix socket."""
    family, to = (socket.AF_UNIX, where) if isinstance(where, str) else (socket.AF_INET, ("127.0.0.1", where))
    with socket.socket(family) as s:
        return s.connect_ex(to) == 0


def as_nobody():
    """In the child: servers that refuse to be root's."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


@contextlib.contextmanager
def running(folder, ready, args, stop=signal.SIGTERM, **more):
    """A server, until the block ends.  ready() says whether it answers."""
    with open(folder + "/out", "w") as out:
        p = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=folder, **more)
    try:
        end = time.monotonic() + READY_S
        while not ready():
            if p.poll() is not None or time.monotonic() > end:
                with open(folder + "/out") as out:
                    raise SystemExit(f"{args[0]} does not start: exit {p.poll()}\n{out.read()[-3000:]}")
            time.sleep(0.02)
        yield
    finally:
        p.send_signal(stop)
        try:
            p.wait(10)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()


@contextlib.contextmanager
def nginx(folder):
    modules = glob.glob("/usr/lib/nginx/modules/ngx_http_echo_module.so")
    binary = program("nginx")
    if not modules:
        raise Missing("nginx has no module echo")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder + "/key.pem",
                    "-out", folder + "/cert.pem"], check=True, stderr=subprocess.DEVNULL)
    ports = {"http": free_port(), "https": free_port()}
    with open(folder + "/conf", "w") as f:
        f.write(NGINX % {"dir": folder, "module": modules[0], **ports})
    with running(folder, lambda: is_open(ports["https"]), [binary, "-p", folder, "-c", folder + "/conf"]):
        yield {"http": f"http://127.0.0.1:{ports['http']}", "dns": f"http://localhost:{ports['http']}",
               "https": f"https://localhost:{ports['https']},{folder}/cert.pem"}


@contextlib.contextmanager
def redis(folder):
    binary, port = program("redis-server", "redis-check-rdb"), free_port()  # they are one, and look at their name
    with running(folder, lambda: is_open(port), ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
                 executable=binary):
        yield {"": str(port)}


@contextlib.contextmanager
def postgres(folder):
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb")) or [program("initdb")]
    tools, port, data = os.path.dirname(found[-1]), free_port(), folder + "/data"
    os.mkdir(data, 0o700)
    if os.getuid() == 0:
        for path in folder, data:
            os.chown(path, NOBODY, NOBODY)
    subprocess.run([tools + "/initdb", "-D", data, "-A", "trust", "-U", "tester", "-N", "-E", "UTF8", "--locale=C"], check=True,
                   preexec_fn=as_nobody, stdout=subprocess.DEVNULL, cwd=folder)
    command = [tools + "/postgres", "-D", data, "-k", folder, "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
               "-c", "max_connections=300", "-c", "autovacuum=off", "-c", "shared_buffers=16MB"]
    with running(folder, lambda: subprocess.run([tools + "/pg_isready", "-q", "-h", folder, "-p", str(port)]).returncode == 0, command,
                 stop=signal.SIGQUIT, preexec_fn=as_nobody):
        shared = f"port={port} user=tester dbname=postgres"
        yield {"tcp": "host=127.0.0.1 " + shared, "unix": f"host={folder} " + shared}


@contextlib.contextmanager
def mariadb(folder):
    binary, port, data = program("mariadbd", "mysqld"), free_port(), folder + "/data"
    os.mkdir(data)
    if os.getuid() == 0:
        for path in folder, data:
            os.chown(path, NOBODY, NOBODY)
    command = [binary, "--no-defaults", "--datadir=" + data, "--socket=" + folder + "/socket", f"--port={port}", "--bind-address=127.0.0.1",
               "--skip-grant-tables", "--max-connections=400", "--skip-name-resolve", "--skip-networking=0", "--back-log=200",
               "--innodb-buffer-pool-size=8M", "--innodb-log-file-size=4M", "--innodb-flush-method=nosync", "--pid-file=" + folder + "/pid"]
    with running(folder, lambda: is_open(folder + "/socket") and is_open(port), command, stop=signal.SIGKILL, preexec_fn=as_nobody):
        yield {"tcp": str(port), "unix": folder + "/socket"}


def is_locked(user):
    """An account that sshd lets nobody in to."""
    with open("/etc/shadow") as f:
        return any(line.startswith(user + ":!") for line in f)


@contextlib.contextmanager
def sshd(folder):
    binary, port, user = program("sshd"), free_port(), pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:
        if is_locked(user):
            raise Missing(f"the account {user} is locked")
        os.makedirs("/run/sshd", 0o755, exist_ok=True)  # compiled in; made at boot where sshd is a service
    for key in "host", "user":
        subprocess.run([program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/{key}"], check=True)
    with open(folder + "/conf", "w") as f:
        f.write(SSHD % {"dir": folder, "port": port})
    with running(folder, lambda: is_open(port), [binary, "-D", "-e", "-f", folder + "/conf"]):
        yield {"": f"{port},{user},{folder}"}


@contextlib.contextmanager
def files(folder):
    yield {"": folder}


# What the programs of examples/unblock say, given the same server.
EXAMPLES = {"curl": ("libcurl", "20 transfers, 240 bytes\n"), "hiredis": ("hiredis", "100 jobs done by 20 workers in one thread\n"),
            "libpq": ("libpq", "20 right answers\nthe slow one: cancelled after 300 ms\n")}
SERVERS = {"curl": nginx, "hiredis": redis, "libpq": postgres, "mariadb": mariadb, "sqlite": files, "ssh2": sshd}


def run(client, address):
    with open(client, "rb") as f:
        slow = 5 if b"__asan_init" in f.read() else 1
    slow *= float(os.environ.get("BIDE_TEST_SLOW", "1"))
    return subprocess.run(shlex.split(os.environ.get("BIDE_TEST_WRAP", "")) + [client, address, str(slow)], timeout=60 * slow).returncode


def run_example(name, address):
    example, wanted = EXAMPLES.get(name, ("", ""))
    path = f"{BUILD}/examples/unblock/unblock_{example}"
    if name == "curl":
        address = address.split(",")[0] + "/wait/0.1/20"
    if not os.path.exists(path) or address.startswith("https"):
        return 0
    r = subprocess.run([path, address], capture_output=True, text=True, timeout=60)
    if r.returncode != 0 or r.stdout != wanted:
        print(f"FAILED: examples/unblock/{example}.c: exit {r.returncode}\n{r.stdout}{r.stderr}")
        return 1
    return 0


def main():
    name = sys.argv[1]
    client, failed = f"{BUILD}/tests/unblock/clients/client-{name}", False
    try:
        if not os.path.exists(client):
            raise Missing("the library was not there when this was built")
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            with SERVERS[name](folder) as ways:
                for way, address in ways.items():
                    print(name, way, flush=True)
                    failed |= run(client, address) != 0 or run_example(name, address) != 0
    except Missing as e:
        print("skipped:", e)
        return 77
    return failed


sys.exit(main())
