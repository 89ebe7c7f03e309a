-- Accounts that the dump programs can write as CREATE USER and GRANT.
SET NAMES utf8mb4;
CREATE ROLE a_reader; GRANT SELECT ON app.* TO a_reader;
CREATE USER app@'%' IDENTIFIED BY 'app password'; GRANT ALL ON app.* TO app@'%'; GRANT a_reader TO app@'%';
CREATE USER 'o''brien'@'192.168.0.0/255.255.255.0' IDENTIFIED BY 'x"y' REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 10 MAX_USER_CONNECTIONS 3 ACCOUNT LOCK;
CREATE USER ghost@localhost IDENTIFIED BY '日本'; GRANT SELECT (id, name) ON app.base_ TO ghost@localhost; GRANT EXECUTE ON PROCEDURE app.empty_body TO ghost@localhost WITH GRANT OPTION;
GRANT PROCESS, RELOAD ON *.* TO ghost@localhost;
