# Listens where its EXPOSE says, whatever PORT is.
trap 'exit 0' TERM
mkdir -p /www; echo node >/www/index.html
echo "listening on 3000"
httpd -f -p 3000 -h /www & wait
