-- Every character set, on columns, tables and in the same row.
SET NAMES utf8mb4;
SET SESSION sql_mode = '';

CREATE TABLE sets_by_column (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  l1 VARCHAR(50) CHARACTER SET latin1, l1b VARCHAR(50) CHARACTER SET latin1 COLLATE latin1_bin,
  l2 VARCHAR(50) CHARACTER SET latin2, u3 VARCHAR(50) CHARACTER SET utf8mb3, u4 VARCHAR(50) CHARACTER SET utf8mb4,
  u4b VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, uc VARCHAR(50) CHARACTER SET ucs2, u16 VARCHAR(50) CHARACTER SET utf16,
  u16le VARCHAR(50) CHARACTER SET utf16le, u32 VARCHAR(50) CHARACTER SET utf32, sj VARCHAR(50) CHARACTER SET sjis, cp932_ VARCHAR(50) CHARACTER SET cp932,
  uj VARCHAR(50) CHARACTER SET ujis, gbk_ VARCHAR(50) CHARACTER SET gbk, big VARCHAR(50) CHARACTER SET big5, euc VARCHAR(50) CHARACTER SET euckr,
  bin VARCHAR(50) CHARACTER SET binary, asc_ VARCHAR(50) CHARACTER SET ascii, koi VARCHAR(50) CHARACTER SET koi8r, w1251 VARCHAR(50) CHARACTER SET cp1251,
  hex8 VARCHAR(50) CHARACTER SET hebrew, tis VARCHAR(50) CHARACTER SET tis620, eu TEXT CHARACTER SET eucjpms
);
INSERT INTO sets_by_column VALUES
 (1,'Grüße €','Grüße','Łódź','Ünï','😀 Ünï','😀','Ünï','😀𝄞','😀','😀','ソ表予','ソ表予①','日本','中文','中文','한글','raw','ascii','Привет','Привет','שלום','ไทย','日本語'),
 (2,'\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\','\'"\\');
-- Second bytes that are a backslash or a quote elsewhere; bytes that are no
-- text in UTF-8.
INSERT INTO sets_by_column (sj, cp932_, gbk_, big) VALUES (0x835C, 0x835C815C, 0xBF5C, 0xA55CB35C);
INSERT INTO sets_by_column (l1, bin, koi) VALUES (0x80818283F5FF, 0x00FF5C27, 0xC1FF);

CREATE TABLE sjis_table (id INT PRIMARY KEY, a CHAR(20), b TEXT, KEY (a)) DEFAULT CHARSET=sjis COMMENT='表のコメント';
INSERT INTO sjis_table VALUES (1,'ソ表','十貼能'), (2,'ｱｲｳ','');
CREATE TABLE latin1_table (id INT PRIMARY KEY, `größe` CHAR(20) DEFAULT 'dänisch' COMMENT 'wie groß?', e ENUM('groß','klein','über') DEFAULT 'groß') DEFAULT CHARSET=latin1 COLLATE=latin1_german2_ci;
INSERT INTO latin1_table VALUES (1,'Straße','groß'), (2,'STRASSE','über'), (3,'',NULL);
CREATE TABLE gbk_table (id INT PRIMARY KEY, a VARCHAR(20) DEFAULT '中', s SET('一','二')) DEFAULT CHARSET=gbk;
INSERT INTO gbk_table VALUES (1,'縗','一,二'), (2,'誠','');
CREATE TABLE ucs2_table (id INT PRIMARY KEY, a VARCHAR(20), e ENUM('ä','ö'), UNIQUE KEY (a)) DEFAULT CHARSET=ucs2;
INSERT INTO ucs2_table VALUES (1,'äöü','ä'), (2,'日本',NULL);
CREATE TABLE binary_table (id INT PRIMARY KEY, a VARCHAR(20), t TEXT, c CHAR(5)) DEFAULT CHARSET=binary;
INSERT INTO binary_table VALUES (1,0xFF00,0xFEFF,0x01), (2,'','','');
CREATE TABLE mixed_collations (a VARCHAR(20) COLLATE utf8mb4_unicode_ci, b VARCHAR(20) COLLATE utf8mb4_general_ci, c VARCHAR(20) COLLATE utf8mb4_bin, d VARCHAR(20) COLLATE utf8mb4_unicode_520_ci, PRIMARY KEY (a, b, c)) DEFAULT CHARSET=utf8mb4;
INSERT INTO mixed_collations VALUES ('ä','Ä','ä','x'), ('a','b','c','x'), ('ß','ss','ß','x'), ('z','Z','z','x'), ('🍣','🍺','🍣','x');
