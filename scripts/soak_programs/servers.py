"""nginx, Apache and rsyslog: a log that is rotated, and one that is not.

Options of a policy: `two` logs of one server, the `buffer` and the `live` name of nginx's log, the `pipe` of Apache's.
"""
import os
import signal
import string

from . import children, needs

# Behind the last field, where the format "combined" looks at nothing: makes a log fat without much work for the client.
PAD = (string.ascii_letters + string.digits) * 32

NGINX = """
daemon off; worker_processes 2; pid {d}/server.pid; error_log {d}/error.log; {user}
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {d}/tmp; proxy_temp_path {d}/tmp; fastcgi_temp_path {d}/tmp; uwsgi_temp_path {d}/tmp;
    scgi_temp_path {d}/tmp;
    map $uri $a {{ {a} }}
    map $uri $b {{ {b} }}
    map $uri $pad {{ default '{pad}'; }}
    log_format logged '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "-" "soak" {pads}';
    log_format truth '$request_uri ';
    {logs}
    access_log {d}/truth.log truth;
    keepalive_requests 1000000;
    server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }}
}}
"""

APACHE = """
ServerRoot {d}
PidFile {d}/server.pid
Listen 127.0.0.1:{port}
ServerName localhost
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
User nobody
Group nogroup
DocumentRoot {d}/tmp
ErrorLog {d}/error.log
StartServers 1
ServerLimit 4
ThreadsPerChild 8
ThreadLimit 8
MaxRequestWorkers 16
MaxKeepAliveRequests 0
KeepAliveTimeout 60
LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"-\\" \\"soak\\"" logged
LogFormat "%U " truth
CustomLog {target} logged
CustomLog {d}/truth.log truth
"""
APACHE_MODULES = "/usr/lib/apache2/modules"

RSYSLOG = """
global(workDirectory="{d}/tmp")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{d}/socket" RateLimit.Interval="0")
template(name="logged" type="string" string="%timegenerated:::date-rfc3339% soak%msg%\\n")
template(name="truth" type="string" string="%msg%\\n")
action(type="omfile" file="{d}/w/access.log" template="logged")
action(type="omfile" file="{d}/truth.log" template="truth")
"""


class Server:
    """What nginx and Apache have in common."""

    def __init__(self, policy, folder):
        self.policy, self.folder = policy, folder
        self.live = [os.path.join(folder, "w", policy.options.get("live", "access.log"))]
        self.truth = os.path.join(folder, "truth.log")
        self.port = children.free_port()
        self.process = None

    def start(self):
        path = os.path.join(self.folder, "server.conf")
        with open(path, "w") as file:
            file.write(self.configuration())
        self.process = children.spawn(self.command(path), self.folder)
        children.wait_for_port(self.port, self.process, self.folder)

    def postrotate(self):
        return f"kill -USR1 $(cat {self.folder}/server.pid)"

    def is_alive(self):
        return self.process.poll() is None


class Nginx(Server):
    def command(self, path):
        return [needs.path_of("nginx"), "-e", f"{self.folder}/error.log", "-p", self.folder, "-c", path]

    def configuration(self):
        d, options = self.folder, self.policy.options
        buffer = options.get("buffer", "")
        logs = f"access_log {self.live[0]} logged {buffer};"
        if options.get("two"):
            self.live = [f"{d}/w/access-a.log", f"{d}/w/access-b.log"]
            logs = f"access_log {self.live[0]} logged if=$a; access_log {self.live[1]} logged if=$b;"
        return NGINX.format(
            d=d, port=self.port, logs=logs, pad=PAD, pads="$pad" * (24 if self.policy.size == "fat" else 0),
            user="user root;" if os.geteuid() == 0 else "", a="default 0; ~[02468]$ 1;", b="default 1; ~[02468]$ 0;",
        )

    def stop(self):
        children.end(self.process, signal.SIGQUIT)


class Apache(Server):
    def command(self, path):
        return [needs.path_of("apache2"), "-D", "FOREGROUND", "-d", self.folder, "-f", path]

    def configuration(self):
        d, pipe = self.folder, self.policy.options.get("pipe")
        target = self.live[0]
        if pipe:
            program, *words = pipe.format(d=d).split()
            target = '"|' + " ".join([needs.path_of(program), *words]) + '"'
        return APACHE.format(d=d, port=self.port, target=target, modules=APACHE_MODULES)

    def stop(self):
        children.end(self.process, signal.SIGTERM)


class Rsyslog(Server):
    """Takes datagrams; writes each to both logs, one after the other."""

    def start(self):
        path = os.path.join(self.folder, "server.conf")
        with open(path, "w") as file:
            file.write(RSYSLOG.format(d=self.folder))
        self.socket = os.path.join(self.folder, "socket")
        command = [needs.path_of("rsyslogd"), "-n", "-f", path, "-i", f"{self.folder}/server.pid"]
        self.process = children.spawn(command, self.folder)
        children.wait_for_file(self.socket, self.process, self.folder)

    def postrotate(self):
        return f"kill -HUP $(cat {self.folder}/server.pid)"

    def stop(self):
        children.end(self.process, signal.SIGTERM)
