-- What only MySQL has.
SET NAMES utf8mb4;
SET SESSION sql_mode = '', time_zone = '+00:00';

CREATE TABLE vectors (id INT PRIMARY KEY, v VECTOR(3), w VECTOR);
INSERT INTO vectors VALUES (1, STRING_TO_VECTOR('[1,-2.5,3e10]'), STRING_TO_VECTOR('[0]')), (2, NULL, NULL);
CREATE TABLE gb18030_table (id INT PRIMARY KEY, a VARCHAR(20), KEY (a)) DEFAULT CHARSET=gb18030;
INSERT INTO gb18030_table VALUES (1,'中文😀'), (2,'縗');
CREATE TABLE collations_0900 (a VARCHAR(20) COLLATE utf8mb4_0900_ai_ci, b VARCHAR(20) COLLATE utf8mb4_0900_as_cs, c VARCHAR(20) COLLATE utf8mb4_ja_0900_as_cs_ks, d VARCHAR(20) COLLATE utf8mb4_0900_bin, PRIMARY KEY (a, b));
INSERT INTO collations_0900 VALUES ('a ','ä','は','x'), ('a','a','ハ','y');

CREATE TABLE keys_ (id INT PRIMARY KEY, a INT, b VARCHAR(50), j JSON, KEY functional ((a + 1)), KEY functional2 ((LOWER(b)), a DESC), UNIQUE KEY desc_ (a DESC, id), KEY hidden_ (b) INVISIBLE, KEY multi ((CAST(j->'$.tags' AS UNSIGNED ARRAY))));
INSERT INTO keys_ VALUES (1,5,'Ab','{"tags": [1,2,3]}'), (2,3,'it''s','{"tags": []}'), (3,NULL,NULL,NULL);
CREATE TABLE hidden_columns (id INT PRIMARY KEY, secret INT INVISIBLE DEFAULT 42, shown INT, stamp DATETIME(3) INVISIBLE DEFAULT '2020-01-01', g INT GENERATED ALWAYS AS (secret * 2) VIRTUAL INVISIBLE);
INSERT INTO hidden_columns (id, secret, shown, stamp) VALUES (1, 7, 8, '2021-01-01 00:00:00.123'), (2, NULL, NULL, NULL);
SET SESSION sql_generate_invisible_primary_key = ON;
CREATE TABLE hidden_key (a INT, b VARCHAR(20));
INSERT INTO hidden_key VALUES (3,'c'), (1,'a'), (1,'a');
DELETE FROM hidden_key WHERE b = 'c';
SET SESSION sql_generate_invisible_primary_key = OFF;
CREATE TABLE soft_checks (id INT PRIMARY KEY, a INT, CONSTRAINT off CHECK (a > 100) NOT ENFORCED);
INSERT INTO soft_checks VALUES (1,1);
CREATE TABLE ngram (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, a TEXT, FULLTEXT KEY ft (a) WITH PARSER ngram);
INSERT INTO ngram (a) VALUES ('日本語の文章'), ('東京都');
CREATE TABLE doc_id (FTS_DOC_ID BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, a TEXT, PRIMARY KEY (FTS_DOC_ID), UNIQUE KEY FTS_DOC_ID_INDEX (FTS_DOC_ID), FULLTEXT KEY (a));
INSERT INTO doc_id VALUES (5,'five words are in here'), (9,'nine');
CREATE TABLE spatial_ (id INT PRIMARY KEY, p POINT NOT NULL SRID 4326, g GEOMETRY NOT NULL SRID 0, SPATIAL KEY (p), SPATIAL KEY (g));
INSERT INTO spatial_ VALUES (1, ST_GeomFromText('POINT(52.5 13.4)', 4326), ST_GeomFromText('LINESTRING(0 0,1 1)')), (2, ST_GeomFromText('POINT(-33.9 151.2)', 4326), ST_GeomFromText('POINT(39 92)'));
CREATE TABLE histograms (id INT PRIMARY KEY, a INT, b VARCHAR(20));
INSERT INTO histograms VALUES (1,1,'a'),(2,1,'b'),(3,2,'b'),(4,3,NULL),(5,NULL,'it''s');
ANALYZE TABLE histograms UPDATE HISTOGRAM ON a, b WITH 16 BUCKETS;
CREATE TABLE page_compressed (id INT PRIMARY KEY, a TEXT) COMPRESSION='zlib';
INSERT INTO page_compressed VALUES (1, REPEAT('compress me ', 5000));
CREATE TABLE own_options (id INT PRIMARY KEY, a INT) AUTOEXTEND_SIZE=4M;
CREATE TABLE zero_length (id INT PRIMARY KEY) PARTITION BY KEY ALGORITHM=2 () PARTITIONS 2;
CREATE VIEW json_table_view AS SELECT jt.* FROM documents, JSON_TABLE(j, '$.a[*]' COLUMNS (n FOR ORDINALITY, v VARCHAR(20) PATH '$')) AS jt;
CREATE TABLE `default_uuid` (id BINARY(16) DEFAULT (UUID_TO_BIN(UUID())) PRIMARY KEY, a INT);
INSERT INTO default_uuid VALUES (0x00112233445566778899AABBCCDDEEFF, 1);
