# A shell as the first process: it has no handler of SIGTERM, so that the kernel drops the signal.
mkdir -p /www; echo stays >/www/index.html
httpd -f -p "$PORT" -h /www
echo ended
