# SPDX-License-Identifier: MIT
"""The servers that figures need, on free ports of the loopback address, on the last core: nginx, one that answers after
100 ms, `bide serve`, and `bide serve --delay 100`, and h2o.  All their files are in a folder of this run."""
import gzip
import os
import shutil
import signal
import socket
import subprocess
import time

from measure import apart

BODY = ('{"id":123456,"name":"bench item","tags":["alpha","beta","gamma","delta"],"price":1234.5678,"active":true,'
        '"created":"2026-11-22T09:15:00Z","owner":{"id":42,"name":"nobody"},"note":"two hundred bytes.."}')

SMALL_FILES = 10000
SMALL_FILE = '{"id":%d,"name":"file","value":%d}\n'
SMALL_FILES_BYTES = sum(len(SMALL_FILE % (i, i * 7)) for i in range(SMALL_FILES))

NGINX = """
worker_processes 1; worker_rlimit_nofile 20000; daemon off; pid %(dir)s/nginx.pid; error_log %(dir)s/error.log warn;
events { worker_connections 15000; use epoll; multi_accept on; }
http {
    access_log off; tcp_nodelay on; sendfile on; keepalive_timeout 300s; keepalive_requests 1000000000;
    client_body_temp_path %(dir)s/t1; proxy_temp_path %(dir)s/t2; fastcgi_temp_path %(dir)s/t3;
    uwsgi_temp_path %(dir)s/t4; scgi_temp_path %(dir)s/t5;
    default_type application/json; root %(dir)s/www;
    open_file_cache max=20000 inactive=600s; open_file_cache_valid 600s;
    ssl_certificate %(dir)s/cert.pem; ssl_certificate_key %(dir)s/key.pem; ssl_protocols TLSv1.3;
    ssl_session_cache off; ssl_session_tickets off;
    server {
        listen 127.0.0.1:%(http)d backlog=8192 reuseport;
        listen 127.0.0.1:%(https)d ssl backlog=8192;
        location = /j { return 200 '%(body)s'; }
        location = /page.html { gzip_static always; }
        location /put/ { dav_methods PUT; client_max_body_size 0; }
        location / { }
    }
    server { # the same, but TLS can be resumed
        listen 127.0.0.1:%(tickets)d ssl backlog=8192; ssl_session_tickets on; ssl_session_cache shared:s:10m;
        location = /j { return 200 '%(body)s'; }
    }
}
"""


H2O = """
num-threads: 1
listen: {host: 127.0.0.1, port: %(h2o)d}
error-log: /dev/null
hosts: {default: {paths: {/: {file.dir: %(dir)s/www}}}}
"""

PAGE_BYTES = 20000
LARGE_BYTES = 1 << 30


def page(size):
    """Text that shrinks as pages do, to about a fifth."""
    rows = ('<tr class="row"><td>%d</td><td><a href="/item/%x">item %d of the list</a></td></tr>\n' % (i, i * i * 2654435761 % 2**32, i)
            for i in range(size))
    text = "<!doctype html><table>\n"
    while len(text) < size:
        text += next(rows)
    return text[:size].encode()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, process):
    for _ in range(100):
        if process.poll() is not None:
            raise OSError("%s ended at once" % process.args[0])
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise OSError("%s does not answer" % process.args[0])


class Servers:
    """Each starts when it is first asked for; all end with stop()."""

    def __init__(self, folder, core, bide, delay_program):
        self.dir, self.core, self.bide, self.delay_program = folder, core, bide, delay_program
        self.ports = {name: free_port() for name in ("http", "https", "tickets", "delay", "own_delay", "own", "h2o")}
        self.cert, self.key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
        self.processes = {}

    def _start(self, name, port, command):
        self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                                stderr=subprocess.DEVNULL, preexec_fn=apart(self.core))
        wait_for(port, self.processes[name])

    def need(self, name):
        """Raises OSError, with a word to say, if it cannot be had."""
        if name and name not in self.processes:
            getattr(self, "_" + name)()

    def _nginx(self):
        program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not program:
            raise OSError("there is no nginx")
        self._write_files()
        with open(self.dir + "/nginx.conf", "w") as f:
            f.write(NGINX % {"dir": self.dir, "body": BODY, **self.ports})
        self._start("nginx", self.ports["http"], [program, "-p", self.dir, "-c", self.dir + "/nginx.conf"])

    def _write_files(self):
        os.makedirs(self.dir + "/www/f", exist_ok=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", self.dir + "/key.pem", "-out", self.cert], check=True, stderr=subprocess.DEVNULL)
        for i in range(SMALL_FILES):
            with open("%s/www/f/%d.json" % (self.dir, i), "w") as f:
                f.write(SMALL_FILE % (i, i * 7))
        with open(self.dir + "/www/page.html", "wb") as f:
            f.write(page(PAGE_BYTES))
        with open(self.dir + "/www/page.html.gz", "wb") as f:
            f.write(gzip.compress(page(PAGE_BYTES), 6, mtime=0))
        with open(self.dir + "/www/json", "w") as f:
            f.write(BODY)
        os.mkdir(self.dir + "/www/put")
        os.chmod(self.dir + "/www/put", 0o777)
        os.chmod(self.dir, 0o755)  # nginx's worker is somebody else

    def _large(self):
        """nginx, and a file of a gibibyte at /large."""
        self.need("nginx")
        path = self.dir + "/www/large"
        if not os.path.exists(path):
            with open(path, "wb") as f:
                for _ in range(LARGE_BYTES >> 20):
                    f.write(bytes(1 << 20))

    def _servers(self):
        """Ours, nginx, and h2o if it is there."""
        self.need("nginx")
        if "own" not in self.processes:
            self._start("own", self.ports["own"], self._serve(self.ports["own"])[:-2])
        if "h2o" not in self.processes and shutil.which("h2o"):
            with open(self.dir + "/h2o.conf", "w") as f:
                f.write(H2O % {"dir": self.dir, **self.ports})
            self._start("h2o", self.ports["h2o"], ["h2o", "-c", self.dir + "/h2o.conf"])

    def _delay(self):
        port = self.ports["delay"]
        if self.delay_program and os.access(self.delay_program, os.X_OK):
            self._start("delay", port, [self.delay_program, str(port), "100"])
        else:
            self._start("delay", port, self._serve(port))

    def _own_delay(self):
        self._start("own_delay", self.ports["own_delay"], self._serve(self.ports["own_delay"]))

    def _redis(self):
        """bench-redis starts it, and ends it."""
        if not shutil.which("redis-server") and not shutil.which("redis-check-rdb"):
            raise OSError("there is no redis-server")

    def _serve(self, port):
        if not os.access(self.bide, os.X_OK):
            raise OSError("there is no %s" % self.bide)
        return [self.bide, "serve", "--port", str(port), "--delay", "100"]

    def stop(self):
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
