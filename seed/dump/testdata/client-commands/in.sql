source /etc/passwd
\. /etc/passwd
system rm -rf /
\! id
use db1
USE `db;2`;
use db3 ; SELECT 1\G
SELECT 2\g SELECT 3; tee out.txt
status
SELECT \N;
SELECT 4 \! id
;
\C gbk
status is a word;
sources x;
quit
