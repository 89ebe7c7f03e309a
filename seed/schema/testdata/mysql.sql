CREATE TABLE `50%_$1{}[]\\` (
  `a` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `UPPER_Case` (
  `ID` int NOT NULL,
  PRIMARY KEY (`ID`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `a table; with. dots -- and /* comments */` (
  `select` int DEFAULT NULL,
  `a.b` int DEFAULT NULL,
  ` lead` int DEFAULT NULL,
  `ü 日本` int DEFAULT NULL,
  `1` int DEFAULT NULL,
  `--` int DEFAULT NULL,
  `#` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `a123456789012345678901234567890123456789012345678901234567890123` (
  `b123456789012345678901234567890123456789012345678901234567890123` int DEFAULT NULL,
  KEY `c123456789012345678901234567890123456789012345678901234567890123` (`b123456789012345678901234567890123456789012345678901234567890123`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `aa_child` (
  `id` int NOT NULL,
  `x` int DEFAULT NULL,
  `y` int DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `x` (`x`,`y`),
  CONSTRAINT `child_parent` FOREIGN KEY (`x`, `y`) REFERENCES `zz_parent` (`x`, `y`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `back``tick` (
  `a``b` int NOT NULL,
  `c"d` int DEFAULT NULL,
  `e'f` int DEFAULT NULL,
  PRIMARY KEY (`a``b`),
  KEY `k``k` (`c"d`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `base_` (
  `id` int NOT NULL AUTO_INCREMENT,
  `name` varchar(50) DEFAULT NULL,
  `price` decimal(8,2) DEFAULT NULL,
  `note` text,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `binary_table` (
  `id` int NOT NULL,
  `a` varbinary(20) DEFAULT NULL,
  `t` blob,
  `c` binary(5) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=binary;
CREATE TABLE `bytes_` (
  `id` int NOT NULL AUTO_INCREMENT,
  `b` binary(8) DEFAULT NULL,
  `b1` binary(1) DEFAULT NULL,
  `vb` varbinary(600) DEFAULT NULL,
  `tb` tinyblob,
  `bl` blob,
  `mb` mediumblob,
  `lb` longblob,
  `l1` varchar(600) CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `vb` (`vb`(400)),
  KEY `bl` (`bl`(16))
) ENGINE=InnoDB AUTO_INCREMENT=6 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `checks` (
  `id` int NOT NULL,
  `a` int DEFAULT NULL,
  `b` int DEFAULT NULL,
  `c` varchar(20) DEFAULT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `b less; than c's` CHECK (((`b` < 100) or (`c` in (_utf8mb4'it\'s',_utf8mb4'x')))),
  CONSTRAINT `checks_chk_1` CHECK ((`a` > 0)),
  CONSTRAINT `regular` CHECK (regexp_like(`c`,_utf8mb4'^[a-z;\']*$'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `collations_0900` (
  `a` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NOT NULL,
  `b` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_as_cs NOT NULL,
  `c` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_ja_0900_as_cs_ks DEFAULT NULL,
  `d` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin DEFAULT NULL,
  PRIMARY KEY (`a`,`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `default_uuid` (
  `id` binary(16) NOT NULL DEFAULT (uuid_to_bin(uuid())),
  `a` int DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `defaults_` (
  `id` int NOT NULL AUTO_INCREMENT,
  `a` int DEFAULT ((1 + 1)),
  `b` varchar(40) DEFAULT (concat(_utf8mb4'a',_utf8mb4'b',_utf8mb4'it\'s')),
  `c` text DEFAULT (_utf8mb4'text; default'),
  `d` date DEFAULT ((curdate() + interval 1 day)),
  `e` varchar(36) DEFAULT (uuid()),
  `f` char(3) DEFAULT 'a''b',
  `g` binary(3) DEFAULT 'x\0\0',
  `h` datetime DEFAULT '1000-01-01 00:00:00',
  `k` decimal(5,2) DEFAULT '1.50',
  `l` bit(4) DEFAULT b'101',
  `m` enum('x','y') DEFAULT 'y',
  `n` blob,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `deleted_end` (
  `id` int NOT NULL AUTO_INCREMENT,
  `t` int DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `doc_id` (
  `FTS_DOC_ID` bigint unsigned NOT NULL AUTO_INCREMENT,
  `a` text,
  PRIMARY KEY (`FTS_DOC_ID`),
  UNIQUE KEY `FTS_DOC_ID_INDEX` (`FTS_DOC_ID`),
  FULLTEXT KEY `a` (`a`)
) ENGINE=InnoDB AUTO_INCREMENT=10 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `documents` (
  `id` int NOT NULL,
  `j` json DEFAULT NULL,
  `jd` json DEFAULT (json_array(1,_utf8mb4'two')),
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `engine_archive` (
  `id` int NOT NULL AUTO_INCREMENT,
  `a` blob,
  KEY `id` (`id`)
) ENGINE=ARCHIVE AUTO_INCREMENT=8 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `engine_blackhole` (
  `id` int NOT NULL,
  `a` int DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=BLACKHOLE DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `engine_csv` (
  `a` int NOT NULL,
  `b` varchar(100) NOT NULL,
  `c` text NOT NULL
) ENGINE=CSV DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `engine_memory` (
  `id` int NOT NULL,
  `a` varchar(20) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `h` (`a`) USING HASH,
  KEY `b` (`a`) USING BTREE
) ENGINE=MEMORY DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `engine_merge` (
  `a` int NOT NULL,
  KEY `a` (`a`)
) ENGINE=MRG_MyISAM DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci INSERT_METHOD=LAST UNION=(`merge_1`,`merge_2`);
CREATE TABLE `engine_myisam` (
  `id` int NOT NULL AUTO_INCREMENT,
  `g` char(1) NOT NULL,
  `t` text,
  PRIMARY KEY (`g`,`id`),
  FULLTEXT KEY `t` (`t`)
) ENGINE=MyISAM DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci PACK_KEYS=1 DELAY_KEY_WRITE=1;
CREATE TABLE `fk_a` (
  `id` int NOT NULL,
  `b` int DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `a_to_b` (`b`),
  CONSTRAINT `a_to_b` FOREIGN KEY (`b`) REFERENCES `fk_b` (`id`) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `fk_b` (
  `id` int NOT NULL,
  `c` int DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `b_to_c` (`c`),
  CONSTRAINT `b_to_c` FOREIGN KEY (`c`) REFERENCES `fk_c` (`id`) ON DELETE RESTRICT ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `fk_c` (
  `id` int NOT NULL,
  `a` int DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `c to a` (`a`),
  CONSTRAINT `c to a` FOREIGN KEY (`a`) REFERENCES `fk_a` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `fk_self` (
  `id` int NOT NULL,
  `parent` int DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `parent` (`parent`),
  CONSTRAINT `fk_self_parent` FOREIGN KEY (`parent`) REFERENCES `fk_self` (`id`) ON DELETE CASCADE ON UPDATE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `format_compact` (
  `id` int NOT NULL,
  `a` varchar(200) DEFAULT NULL,
  `b` blob,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci ROW_FORMAT=COMPACT;
CREATE TABLE `format_compressed` (
  `id` int NOT NULL,
  `a` varchar(200) DEFAULT NULL,
  `b` blob,
  PRIMARY KEY (`id`),
  KEY `a` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=4;
CREATE TABLE `format_dynamic` (
  `id` int NOT NULL,
  `a` varchar(200) DEFAULT NULL,
  `b` blob,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci ROW_FORMAT=DYNAMIC;
CREATE TABLE `format_options` (
  `id` int NOT NULL,
  `a` int DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci MAX_ROWS=1000 AVG_ROW_LENGTH=50 STATS_PERSISTENT=0 STATS_AUTO_RECALC=1 STATS_SAMPLE_PAGES=7 CHECKSUM=1 COMMENT='it''s "so"; -- /* no */ \\ \n newline ü ?';
CREATE TABLE `format_redundant` (
  `id` int NOT NULL,
  `a` varchar(200) DEFAULT NULL,
  `b` blob,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci ROW_FORMAT=REDUNDANT;
CREATE TABLE `fulltexts` (
  `id` int NOT NULL AUTO_INCREMENT,
  `a` text,
  `b` varchar(200) DEFAULT NULL,
  PRIMARY KEY (`id`),
  FULLTEXT KEY `ft_a` (`a`),
  FULLTEXT KEY `ft both` (`a`,`b`)
) ENGINE=InnoDB AUTO_INCREMENT=4 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `gb18030_table` (
  `id` int NOT NULL,
  `a` varchar(20) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `a` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=gb18030;
CREATE TABLE `gbk_table` (
  `id` int NOT NULL,
  `a` varchar(20) DEFAULT '中',
  `s` set('一','二') DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=gbk;
CREATE TABLE `generated_` (
  `id` int NOT NULL AUTO_INCREMENT,
  `a` int DEFAULT NULL,
  `v` int GENERATED ALWAYS AS ((`a` * 2)) VIRTUAL,
  `s` int GENERATED ALWAYS AS ((`a` + 100)) STORED,
  `t` varchar(50) DEFAULT NULL,
  `u` varchar(60) GENERATED ALWAYS AS (concat(upper(`t`),_utf8mb4'\'s; "x"')) VIRTUAL COMMENT 'gen',
  `j` json DEFAULT NULL,
  `jn` varchar(30) GENERATED ALWAYS AS (json_unquote(json_extract(`j`,_utf8mb4'$.name'))) STORED,
  `after_` int DEFAULT '7',
  PRIMARY KEY (`id`),
  UNIQUE KEY `s` (`s`),
  KEY `jn` (`jn`),
  KEY `v` (`v`),
  KEY `u` (`u`(10))
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `generated_first` (
  `g` int GENERATED ALWAYS AS ((`b` + 1)) VIRTUAL,
  `b` int DEFAULT NULL,
  `c` int DEFAULT NULL,
  `h` int GENERATED ALWAYS AS (`c`) STORED
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `hidden_columns` (
  `id` int NOT NULL,
  `secret` int DEFAULT '42' /*!80023 INVISIBLE */,
  `shown` int DEFAULT NULL,
  `stamp` datetime(3) DEFAULT '2020-01-01 00:00:00.000' /*!80023 INVISIBLE */,
  `g` int GENERATED ALWAYS AS ((`secret` * 2)) VIRTUAL /*!80023 INVISIBLE */,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `hidden_key` (
  `my_row_id` bigint unsigned NOT NULL AUTO_INCREMENT /*!80023 INVISIBLE */,
  `a` int DEFAULT NULL,
  `b` varchar(20) DEFAULT NULL,
  PRIMARY KEY (`my_row_id`)
) ENGINE=InnoDB AUTO_INCREMENT=4 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `histograms` (
  `id` int NOT NULL,
  `a` int DEFAULT NULL,
  `b` varchar(20) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `keys_` (
  `id` int NOT NULL,
  `a` int DEFAULT NULL,
  `b` varchar(50) DEFAULT NULL,
  `j` json DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `desc_` (`a` DESC,`id`),
  KEY `hidden_` (`b`) /*!80000 INVISIBLE */,
  KEY `functional` (((`a` + 1))),
  KEY `functional2` ((lower(`b`)),`a` DESC),
  KEY `multi` ((cast(json_extract(`j`,_utf8mb4'$.tags') as unsigned array)))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `latin1_table` (
  `id` int NOT NULL,
  `größe` char(20) COLLATE latin1_german2_ci DEFAULT 'dänisch' COMMENT 'wie groß?',
  `e` enum('groß','klein','über') COLLATE latin1_german2_ci DEFAULT 'groß',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_german2_ci;
CREATE TABLE `log_` (
  `id` int NOT NULL AUTO_INCREMENT,
  `what` varchar(200) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `merge_1` (
  `a` int NOT NULL,
  KEY `a` (`a`)
) ENGINE=MyISAM DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `merge_2` (
  `a` int NOT NULL,
  KEY `a` (`a`)
) ENGINE=MyISAM DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `mixed_collations` (
  `a` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NOT NULL,
  `b` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL,
  `c` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `d` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci DEFAULT NULL,
  PRIMARY KEY (`a`,`b`,`c`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `moments` (
  `id` int NOT NULL,
  `d` date DEFAULT NULL,
  `t` time DEFAULT NULL,
  `t6` time(6) DEFAULT NULL,
  `dt` datetime DEFAULT NULL,
  `dt3` datetime(3) DEFAULT NULL,
  `dt6` datetime(6) DEFAULT NULL,
  `y` year DEFAULT NULL,
  `ts` timestamp NULL DEFAULT NULL,
  `ts6` timestamp(6) NULL DEFAULT NULL,
  `tsz` timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  `auto` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  `auto6` datetime(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `negative_id` (
  `id` int NOT NULL AUTO_INCREMENT,
  `t` text,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `ngram` (
  `id` int NOT NULL AUTO_INCREMENT,
  `a` text,
  PRIMARY KEY (`id`),
  FULLTEXT KEY `ft` (`a`) /*!50100 WITH PARSER `ngram` */ 
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `no_key` (
  `a` int DEFAULT NULL,
  `b` varchar(20) DEFAULT NULL,
  `c` blob
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `nothing_in_it` (
  `id` int NOT NULL AUTO_INCREMENT,
  `a` int DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=4711 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `numbers` (
  `id` int NOT NULL AUTO_INCREMENT,
  `ti` tinyint DEFAULT NULL,
  `tiu` tinyint unsigned DEFAULT NULL,
  `tiz` tinyint(3) unsigned zerofill DEFAULT NULL,
  `bool_` tinyint(1) DEFAULT '1',
  `si` smallint DEFAULT NULL,
  `siu` smallint unsigned DEFAULT NULL,
  `mi` mediumint DEFAULT NULL,
  `miu` mediumint unsigned DEFAULT NULL,
  `i` int DEFAULT NULL,
  `iu` int unsigned DEFAULT NULL,
  `iz` int(7) unsigned zerofill DEFAULT NULL,
  `bi` bigint DEFAULT NULL,
  `biu` bigint unsigned DEFAULT NULL,
  `biz` bigint(20) unsigned zerofill DEFAULT NULL,
  `d0` decimal(10,0) DEFAULT NULL,
  `d` decimal(65,30) DEFAULT NULL,
  `d2` decimal(65,0) DEFAULT NULL,
  `du` decimal(10,2) unsigned DEFAULT NULL,
  `dz` decimal(12,4) unsigned zerofill DEFAULT NULL,
  `nu` decimal(5,5) DEFAULT NULL,
  `f` float DEFAULT NULL,
  `fu` float unsigned DEFAULT NULL,
  `f2` float(9,3) DEFAULT NULL,
  `db` double DEFAULT NULL,
  `dbu` double unsigned DEFAULT NULL,
  `db2` double(20,6) DEFAULT NULL,
  `r` double DEFAULT NULL,
  `b1` bit(1) DEFAULT NULL,
  `b7` bit(7) DEFAULT NULL,
  `b8` bit(8) DEFAULT NULL,
  `b33` bit(33) DEFAULT NULL,
  `b64` bit(64) DEFAULT b'1010',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=6 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci COMMENT='limits of every number';
CREATE TABLE `one_column` (
  `a` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `own_options` (
  `id` int NOT NULL,
  `a` int DEFAULT NULL,
  PRIMARY KEY (`id`)
) /*!80023 AUTOEXTEND_SIZE=4194304 */ ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `page_compressed` (
  `id` int NOT NULL,
  `a` text,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci COMPRESSION='zlib';
CREATE TABLE `part_hash` (
  `id` int NOT NULL,
  `a` int DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci
/*!50100 PARTITION BY LINEAR HASH (`id`)
PARTITIONS 3 */;
CREATE TABLE `part_key` (
  `id` varchar(20) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci
/*!50100 PARTITION BY KEY (id)
PARTITIONS 4 */;
CREATE TABLE `part_list` (
  `id` int NOT NULL,
  `r` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci
/*!50100 PARTITION BY LIST (`r`)
(PARTITION north VALUES IN (NULL,1,2) ENGINE = InnoDB,
 PARTITION south VALUES IN (3,4) ENGINE = InnoDB) */;
CREATE TABLE `part_list_columns` (
  `c` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci
/*!50500 PARTITION BY LIST  COLUMNS(c)
(PARTITION a VALUES IN ('ä','ö') ENGINE = InnoDB,
 PARTITION b VALUES IN ('日本','x') ENGINE = InnoDB) */;
CREATE TABLE `part_range` (
  `id` int NOT NULL,
  `d` date NOT NULL,
  `t` text,
  PRIMARY KEY (`id`,`d`),
  KEY `d` (`d`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci
/*!50100 PARTITION BY RANGE (to_days(`d`))
(PARTITION p2022 VALUES LESS THAN (738521) COMMENT = 'it\'s old' ENGINE = InnoDB,
 PARTITION p2023 VALUES LESS THAN (738886) ENGINE = InnoDB,
 PARTITION `p max` VALUES LESS THAN MAXVALUE ENGINE = InnoDB) */;
CREATE TABLE `part_range_columns` (
  `a` varchar(20) NOT NULL,
  `b` int NOT NULL,
  PRIMARY KEY (`a`,`b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci
/*!50500 PARTITION BY RANGE  COLUMNS(a,b)
(PARTITION p0 VALUES LESS THAN ('g',10) ENGINE = InnoDB,
 PARTITION p1 VALUES LESS THAN ('it''s',20) ENGINE = InnoDB,
 PARTITION p2 VALUES LESS THAN (MAXVALUE,MAXVALUE) ENGINE = InnoDB) */;
CREATE TABLE `part_sub` (
  `id` int NOT NULL,
  `y` int NOT NULL,
  KEY `y` (`y`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci
/*!50100 PARTITION BY RANGE (`y`)
SUBPARTITION BY HASH (`id`)
SUBPARTITIONS 2
(PARTITION p0 VALUES LESS THAN (1990) ENGINE = InnoDB,
 PARTITION p1 VALUES LESS THAN (2000) ENGINE = InnoDB,
 PARTITION p2 VALUES LESS THAN MAXVALUE ENGINE = InnoDB) */;
CREATE TABLE `prefixes` (
  `id` int NOT NULL,
  `a` text,
  `b` blob,
  `c` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `k3` (`c`(20)) USING BTREE,
  KEY `k1` (`a`(5)),
  KEY `k2` (`b`(7),`c`(3)) COMMENT 'it''s an index; ü',
  KEY `desc_` (`id` DESC,`c`(4))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `select` (
  `from` int NOT NULL,
  `where` varchar(5) DEFAULT NULL,
  `values` int DEFAULT NULL,
  `index` int DEFAULT NULL,
  PRIMARY KEY (`from`),
  KEY `order` (`where`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `sets_by_column` (
  `id` int NOT NULL AUTO_INCREMENT,
  `l1` varchar(50) CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL,
  `l1b` varchar(50) CHARACTER SET latin1 COLLATE latin1_bin DEFAULT NULL,
  `l2` varchar(50) CHARACTER SET latin2 COLLATE latin2_general_ci DEFAULT NULL,
  `u3` varchar(50) CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci DEFAULT NULL,
  `u4` varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci DEFAULT NULL,
  `u4b` varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `uc` varchar(50) CHARACTER SET ucs2 COLLATE ucs2_general_ci DEFAULT NULL,
  `u16` varchar(50) CHARACTER SET utf16 COLLATE utf16_general_ci DEFAULT NULL,
  `u16le` varchar(50) CHARACTER SET utf16le COLLATE utf16le_general_ci DEFAULT NULL,
  `u32` varchar(50) CHARACTER SET utf32 COLLATE utf32_general_ci DEFAULT NULL,
  `sj` varchar(50) CHARACTER SET sjis COLLATE sjis_japanese_ci DEFAULT NULL,
  `cp932_` varchar(50) CHARACTER SET cp932 COLLATE cp932_japanese_ci DEFAULT NULL,
  `uj` varchar(50) CHARACTER SET ujis COLLATE ujis_japanese_ci DEFAULT NULL,
  `gbk_` varchar(50) CHARACTER SET gbk COLLATE gbk_chinese_ci DEFAULT NULL,
  `big` varchar(50) CHARACTER SET big5 COLLATE big5_chinese_ci DEFAULT NULL,
  `euc` varchar(50) CHARACTER SET euckr COLLATE euckr_korean_ci DEFAULT NULL,
  `bin` varbinary(50) DEFAULT NULL,
  `asc_` varchar(50) CHARACTER SET ascii COLLATE ascii_general_ci DEFAULT NULL,
  `koi` varchar(50) CHARACTER SET koi8r COLLATE koi8r_general_ci DEFAULT NULL,
  `w1251` varchar(50) CHARACTER SET cp1251 COLLATE cp1251_general_ci DEFAULT NULL,
  `hex8` varchar(50) CHARACTER SET hebrew COLLATE hebrew_general_ci DEFAULT NULL,
  `tis` varchar(50) CHARACTER SET tis620 COLLATE tis620_thai_ci DEFAULT NULL,
  `eu` text CHARACTER SET eucjpms COLLATE eucjpms_japanese_ci,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `shapes` (
  `id` int NOT NULL AUTO_INCREMENT,
  `g` geometry DEFAULT NULL,
  `p` point DEFAULT NULL,
  `l` linestring DEFAULT NULL,
  `po` polygon DEFAULT NULL,
  `mp` multipoint DEFAULT NULL,
  `ml` multilinestring DEFAULT NULL,
  `mpo` multipolygon DEFAULT NULL,
  `gc` geomcollection DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=4 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `sjis_table` (
  `id` int NOT NULL,
  `a` char(20) DEFAULT NULL,
  `b` text,
  PRIMARY KEY (`id`),
  KEY `a` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=sjis COMMENT='表のコメント';
CREATE TABLE `soft_checks` (
  `id` int NOT NULL,
  `a` int DEFAULT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `off` CHECK ((`a` > 100)) /*!80016 NOT ENFORCED */
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `spatial_` (
  `id` int NOT NULL,
  `p` point NOT NULL /*!80003 SRID 4326 */,
  `g` geometry NOT NULL /*!80003 SRID 0 */,
  PRIMARY KEY (`id`),
  SPATIAL KEY `p` (`p`),
  SPATIAL KEY `g` (`g`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `texts` (
  `id` int NOT NULL AUTO_INCREMENT,
  `c` char(10) DEFAULT NULL,
  `c0` char(0) DEFAULT NULL,
  `v` varchar(300) DEFAULT NULL,
  `v0` varchar(0) DEFAULT NULL,
  `tt` tinytext,
  `t` text,
  `mt` mediumtext,
  `lt` longtext,
  `e` enum('a','it''s','x,y','"q"','back\\slash','','ü') DEFAULT 'it''s',
  `s` set('one','two''s','semi;colon','ß') DEFAULT NULL,
  `n` varchar(20) CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `v` (`v`(20)),
  KEY `t` (`t`(10),`v`(5))
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `ucs2_table` (
  `id` int NOT NULL,
  `a` varchar(20) DEFAULT NULL,
  `e` enum('ä','ö') DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `a` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=ucs2;
CREATE TABLE `unique_only` (
  `a` int NOT NULL,
  `b` varchar(20) DEFAULT NULL,
  UNIQUE KEY `a` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `upper_case` (
  `id` int NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `values` (
  `values` int DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `vectors` (
  `id` int NOT NULL,
  `v` vector(3) DEFAULT NULL,
  `w` vector(2048) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `zero_id` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `t` text,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=9223372036854775901 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `zero_length` (
  `id` int NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci
/*!50100 PARTITION BY KEY ()
PARTITIONS 2 */;
CREATE TABLE `zz_parent` (
  `x` int NOT NULL,
  `y` int NOT NULL,
  PRIMARY KEY (`x`,`y`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;
CREATE TABLE `日本語のテーブル` (
  `列` int DEFAULT NULL COMMENT 'コメント',
  `ß` int DEFAULT NULL,
  KEY `索引` (`列`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci COMMENT='表';
CREATE TABLE `db` (
  `Host` char(255) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL DEFAULT '',
  `Db` char(64) COLLATE utf8mb3_bin NOT NULL DEFAULT '',
  `User` char(32) COLLATE utf8mb3_bin NOT NULL DEFAULT '',
  `Select_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Insert_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Update_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Delete_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Create_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Drop_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Grant_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `References_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Index_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Alter_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Create_tmp_table_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Lock_tables_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Create_view_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Show_view_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Create_routine_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Alter_routine_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Execute_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Event_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Trigger_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  PRIMARY KEY (`Host`,`User`,`Db`),
  KEY `User` (`User`)
) /*!50100 TABLESPACE `mysql` */ ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_bin STATS_PERSISTENT=0 ROW_FORMAT=DYNAMIC COMMENT='Database privileges';
CREATE TABLE `innodb_index_stats` (
  `database_name` varchar(64) COLLATE utf8mb3_bin NOT NULL,
  `table_name` varchar(199) COLLATE utf8mb3_bin NOT NULL,
  `index_name` varchar(64) COLLATE utf8mb3_bin NOT NULL,
  `last_update` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  `stat_name` varchar(64) COLLATE utf8mb3_bin NOT NULL,
  `stat_value` bigint unsigned NOT NULL,
  `sample_size` bigint unsigned DEFAULT NULL,
  `stat_description` varchar(1024) COLLATE utf8mb3_bin NOT NULL,
  PRIMARY KEY (`database_name`,`table_name`,`index_name`,`stat_name`)
) /*!50100 TABLESPACE `mysql` */ ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_bin STATS_PERSISTENT=0 ROW_FORMAT=DYNAMIC;
CREATE TABLE `tables_priv` (
  `Host` char(255) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL DEFAULT '',
  `Db` char(64) COLLATE utf8mb3_bin NOT NULL DEFAULT '',
  `User` char(32) COLLATE utf8mb3_bin NOT NULL DEFAULT '',
  `Table_name` char(64) COLLATE utf8mb3_bin NOT NULL DEFAULT '',
  `Grantor` varchar(288) COLLATE utf8mb3_bin NOT NULL DEFAULT '',
  `Timestamp` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  `Table_priv` set('Select','Insert','Update','Delete','Create','Drop','Grant','References','Index','Alter','Create View','Show view','Trigger') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT '',
  `Column_priv` set('Select','Insert','Update','References') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT '',
  PRIMARY KEY (`Host`,`User`,`Db`,`Table_name`),
  KEY `Grantor` (`Grantor`)
) /*!50100 TABLESPACE `mysql` */ ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_bin STATS_PERSISTENT=0 ROW_FORMAT=DYNAMIC COMMENT='Table privileges';
CREATE TABLE `user` (
  `Host` char(255) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL DEFAULT '',
  `User` char(32) COLLATE utf8mb3_bin NOT NULL DEFAULT '',
  `Select_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Insert_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Update_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Delete_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Create_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Drop_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Reload_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Shutdown_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Process_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `File_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Grant_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `References_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Index_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Alter_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Show_db_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Super_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Create_tmp_table_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Lock_tables_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Execute_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Repl_slave_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Repl_client_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Create_view_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Show_view_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Create_routine_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Alter_routine_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Create_user_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Event_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Trigger_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Create_tablespace_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `ssl_type` enum('','ANY','X509','SPECIFIED') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT '',
  `ssl_cipher` blob NOT NULL,
  `x509_issuer` blob NOT NULL,
  `x509_subject` blob NOT NULL,
  `max_questions` int unsigned NOT NULL DEFAULT '0',
  `max_updates` int unsigned NOT NULL DEFAULT '0',
  `max_connections` int unsigned NOT NULL DEFAULT '0',
  `max_user_connections` int unsigned NOT NULL DEFAULT '0',
  `plugin` char(64) COLLATE utf8mb3_bin NOT NULL DEFAULT 'caching_sha2_password',
  `authentication_string` text COLLATE utf8mb3_bin,
  `password_expired` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `password_last_changed` timestamp NULL DEFAULT NULL,
  `password_lifetime` smallint unsigned DEFAULT NULL,
  `account_locked` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Create_role_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Drop_role_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  `Password_reuse_history` smallint unsigned DEFAULT NULL,
  `Password_reuse_time` smallint unsigned DEFAULT NULL,
  `Password_require_current` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci DEFAULT NULL,
  `User_attributes` json DEFAULT NULL,
  PRIMARY KEY (`Host`,`User`)
) /*!50100 TABLESPACE `mysql` */ ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_bin STATS_PERSISTENT=0 ROW_FORMAT=DYNAMIC COMMENT='Users and global privileges';
