CREATE TABLE `50%_$1{}[]\\` (
  `a` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `a table; with. dots -- and /* comments */` (
  `select` int(11) DEFAULT NULL,
  `a.b` int(11) DEFAULT NULL,
  ` lead` int(11) DEFAULT NULL,
  `ü 日本` int(11) DEFAULT NULL,
  `1` int(11) DEFAULT NULL,
  `--` int(11) DEFAULT NULL,
  `#` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `a123456789012345678901234567890123456789012345678901234567890123` (
  `b123456789012345678901234567890123456789012345678901234567890123` int(11) DEFAULT NULL,
  KEY `c123456789012345678901234567890123456789012345678901234567890123` (`b123456789012345678901234567890123456789012345678901234567890123`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `aa_child` (
  `id` int(11) NOT NULL,
  `x` int(11) DEFAULT NULL,
  `y` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `x` (`x`,`y`),
  CONSTRAINT `child_parent` FOREIGN KEY (`x`, `y`) REFERENCES `zz_parent` (`x`, `y`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `back``tick` (
  `a``b` int(11) NOT NULL,
  `c"d` int(11) DEFAULT NULL,
  `e'f` int(11) DEFAULT NULL,
  PRIMARY KEY (`a``b`),
  KEY `k``k` (`c"d`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `base_` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(50) DEFAULT NULL,
  `price` decimal(8,2) DEFAULT NULL,
  `note` text DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `binary_table` (
  `id` int(11) NOT NULL,
  `a` varbinary(20) DEFAULT NULL,
  `t` blob DEFAULT NULL,
  `c` binary(5) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=binary;
CREATE TABLE `bytes_` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `b` binary(8) DEFAULT NULL,
  `b1` binary(1) DEFAULT NULL,
  `vb` varbinary(600) DEFAULT NULL,
  `tb` tinyblob DEFAULT NULL,
  `bl` blob DEFAULT NULL,
  `mb` mediumblob DEFAULT NULL,
  `lb` longblob DEFAULT NULL,
  `l1` varchar(600) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `vb` (`vb`(400)),
  KEY `bl` (`bl`(16))
) ENGINE=InnoDB AUTO_INCREMENT=6 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `checks` (
  `id` int(11) NOT NULL,
  `a` int(11) DEFAULT NULL CHECK (`a` > 0),
  `b` int(11) DEFAULT NULL,
  `c` varchar(20) DEFAULT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `b less; than c's` CHECK (`b` < 100 or `c` in ('it\'s','x')),
  CONSTRAINT `regular` CHECK (`c` regexp '^[a-z;\']*$')
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `compressed_column` (
  `id` int(11) NOT NULL,
  `a` text /*M!100301 COMPRESSED*/ DEFAULT NULL,
  `b` varbinary(1000) /*M!100301 COMPRESSED*/ DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `defaults_` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `a` int(11) DEFAULT (1 + 1),
  `b` varchar(40) DEFAULT concat('a','b','it\'s'),
  `c` text DEFAULT 'text; default',
  `d` date DEFAULT (curdate() + interval 1 day),
  `e` varchar(36) DEFAULT uuid(),
  `f` char(3) DEFAULT 'a''b',
  `g` binary(3) DEFAULT 'x\0\0',
  `h` datetime DEFAULT '1000-01-01 00:00:00',
  `k` decimal(5,2) DEFAULT 1.50,
  `l` bit(4) DEFAULT b'101',
  `m` enum('x','y') DEFAULT 'y',
  `n` blob DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `default_refers` (
  `a` int(11) DEFAULT 1,
  `b` int(11) DEFAULT (`a` + 1),
  `c` datetime DEFAULT (current_timestamp() + interval 1 day)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `deleted_end` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `t` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `documents` (
  `id` int(11) NOT NULL,
  `j` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`j`)),
  `jd` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT json_array(1,'two') CHECK (json_valid(`jd`)),
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `engine_archive` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `a` blob DEFAULT NULL,
  KEY `id` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=8 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `engine_aria` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `t` text DEFAULT NULL,
  PRIMARY KEY (`id`),
  FULLTEXT KEY `t` (`t`)
) ENGINE=Aria AUTO_INCREMENT=4 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci PAGE_CHECKSUM=1 ROW_FORMAT=PAGE TRANSACTIONAL=1;
CREATE TABLE `engine_aria_dynamic` (
  `a` int(11) DEFAULT NULL,
  `b` varchar(50) DEFAULT NULL
) ENGINE=Aria DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci PAGE_CHECKSUM=1 ROW_FORMAT=DYNAMIC TRANSACTIONAL=0;
CREATE TABLE `engine_blackhole` (
  `id` int(11) NOT NULL,
  `a` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `engine_csv` (
  `a` int(11) NOT NULL,
  `b` varchar(100) NOT NULL,
  `c` text NOT NULL
) ENGINE=CSV DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `engine_memory` (
  `id` int(11) NOT NULL,
  `a` varchar(20) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `h` (`a`) USING HASH,
  KEY `b` (`a`) USING BTREE
) ENGINE=MEMORY DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `engine_merge` (
  `a` int(11) NOT NULL,
  KEY `a` (`a`)
) ENGINE=MRG_MyISAM DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci INSERT_METHOD=LAST UNION=(`merge_1`,`merge_2`);
CREATE TABLE `engine_myisam` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `g` char(1) NOT NULL,
  `t` text DEFAULT NULL,
  PRIMARY KEY (`g`,`id`),
  FULLTEXT KEY `t` (`t`)
) ENGINE=MyISAM DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci PACK_KEYS=1 DELAY_KEY_WRITE=1;
CREATE TABLE `fk_a` (
  `id` int(11) NOT NULL,
  `b` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `a_to_b` (`b`),
  CONSTRAINT `a_to_b` FOREIGN KEY (`b`) REFERENCES `fk_b` (`id`) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `fk_b` (
  `id` int(11) NOT NULL,
  `c` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `b_to_c` (`c`),
  CONSTRAINT `b_to_c` FOREIGN KEY (`c`) REFERENCES `fk_c` (`id`) ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `fk_c` (
  `id` int(11) NOT NULL,
  `a` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `c to a` (`a`),
  CONSTRAINT `c to a` FOREIGN KEY (`a`) REFERENCES `fk_a` (`id`) ON DELETE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `fk_self` (
  `id` int(11) NOT NULL,
  `parent` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `parent` (`parent`),
  CONSTRAINT `fk_self_parent` FOREIGN KEY (`parent`) REFERENCES `fk_self` (`id`) ON DELETE CASCADE ON UPDATE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `format_compact` (
  `id` int(11) NOT NULL,
  `a` varchar(200) DEFAULT NULL,
  `b` blob DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci ROW_FORMAT=COMPACT;
CREATE TABLE `format_compressed` (
  `id` int(11) NOT NULL,
  `a` varchar(200) DEFAULT NULL,
  `b` blob DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `a` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=4;
CREATE TABLE `format_dynamic` (
  `id` int(11) NOT NULL,
  `a` varchar(200) DEFAULT NULL,
  `b` blob DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci ROW_FORMAT=DYNAMIC;
CREATE TABLE `format_options` (
  `id` int(11) NOT NULL,
  `a` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci MAX_ROWS=1000 AVG_ROW_LENGTH=50 STATS_PERSISTENT=0 STATS_AUTO_RECALC=1 STATS_SAMPLE_PAGES=7 CHECKSUM=1 COMMENT='it''s "so"; -- /* no */ \\ \n newline ü ?';
CREATE TABLE `format_redundant` (
  `id` int(11) NOT NULL,
  `a` varchar(200) DEFAULT NULL,
  `b` blob DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci ROW_FORMAT=REDUNDANT;
CREATE TABLE `fulltexts` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `a` text DEFAULT NULL,
  `b` varchar(200) DEFAULT NULL,
  PRIMARY KEY (`id`),
  FULLTEXT KEY `ft_a` (`a`),
  FULLTEXT KEY `ft both` (`a`,`b`)
) ENGINE=InnoDB AUTO_INCREMENT=4 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `gbk_table` (
  `id` int(11) NOT NULL,
  `a` varchar(20) DEFAULT '中',
  `s` set('一','二') DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=gbk COLLATE=gbk_chinese_ci;
CREATE TABLE `generated_` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `a` int(11) DEFAULT NULL,
  `v` int(11) GENERATED ALWAYS AS (`a` * 2) VIRTUAL,
  `s` int(11) GENERATED ALWAYS AS (`a` + 100) STORED,
  `t` varchar(50) DEFAULT NULL,
  `u` varchar(60) GENERATED ALWAYS AS (concat(ucase(`t`),'\'s; "x"')) VIRTUAL COMMENT 'gen',
  `j` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`j`)),
  `jn` varchar(30) GENERATED ALWAYS AS (json_unquote(json_extract(`j`,'$.name'))) STORED,
  `after_` int(11) DEFAULT 7,
  PRIMARY KEY (`id`),
  UNIQUE KEY `s` (`s`),
  KEY `v` (`v`),
  KEY `u` (`u`(10)),
  KEY `jn` (`jn`)
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `generated_first` (
  `g` int(11) GENERATED ALWAYS AS (`b` + 1) VIRTUAL,
  `b` int(11) DEFAULT NULL,
  `c` int(11) DEFAULT NULL,
  `h` int(11) GENERATED ALWAYS AS (`c`) STORED
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `hidden_columns` (
  `id` int(11) NOT NULL,
  `secret` int(11) INVISIBLE DEFAULT 42,
  `shown` int(11) DEFAULT NULL,
  `stamp` datetime(3) INVISIBLE DEFAULT '2020-01-01 00:00:00.000',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `ignored_index` (
  `id` int(11) NOT NULL,
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ign` (`a`) IGNORED,
  KEY `d` (`a` DESC,`b`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `latin1_table` (
  `id` int(11) NOT NULL,
  `größe` char(20) DEFAULT 'dänisch' COMMENT 'wie groß?',
  `e` enum('groß','klein','über') DEFAULT 'groß',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_german2_ci;
CREATE TABLE `log_` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `what` varchar(200) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `long_unique` (
  `id` int(11) NOT NULL,
  `t` text DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `t` (`t`) USING HASH
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `merge_1` (
  `a` int(11) NOT NULL,
  KEY `a` (`a`)
) ENGINE=MyISAM DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `merge_2` (
  `a` int(11) NOT NULL,
  KEY `a` (`a`)
) ENGINE=MyISAM DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `mixed_collations` (
  `a` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NOT NULL,
  `b` varchar(20) NOT NULL,
  `c` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `d` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci DEFAULT NULL,
  PRIMARY KEY (`a`,`b`,`c`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE `moments` (
  `id` int(11) NOT NULL,
  `d` date DEFAULT NULL,
  `t` time DEFAULT NULL,
  `t6` time(6) DEFAULT NULL,
  `dt` datetime DEFAULT NULL,
  `dt3` datetime(3) DEFAULT NULL,
  `dt6` datetime(6) DEFAULT NULL,
  `y` year(4) DEFAULT NULL,
  `ts` timestamp NULL DEFAULT NULL,
  `ts6` timestamp(6) NULL DEFAULT NULL,
  `tsz` timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  `auto` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `auto6` datetime(6) DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6),
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `negative_id` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `t` text DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `nothing_in_it` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `a` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=4711 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `no_key` (
  `a` int(11) DEFAULT NULL,
  `b` varchar(20) DEFAULT NULL,
  `c` blob DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `numbers` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `ti` tinyint(4) DEFAULT NULL,
  `tiu` tinyint(3) unsigned DEFAULT NULL,
  `tiz` tinyint(3) unsigned zerofill DEFAULT NULL,
  `bool_` tinyint(1) DEFAULT 1,
  `si` smallint(6) DEFAULT NULL,
  `siu` smallint(5) unsigned DEFAULT NULL,
  `mi` mediumint(9) DEFAULT NULL,
  `miu` mediumint(8) unsigned DEFAULT NULL,
  `i` int(11) DEFAULT NULL,
  `iu` int(10) unsigned DEFAULT NULL,
  `iz` int(7) unsigned zerofill DEFAULT NULL,
  `bi` bigint(20) DEFAULT NULL,
  `biu` bigint(20) unsigned DEFAULT NULL,
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
) ENGINE=InnoDB AUTO_INCREMENT=6 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci COMMENT='limits of every number';
CREATE TABLE `one_column` (
  `a` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `own_types` (
  `id` uuid NOT NULL,
  `i4` inet4 DEFAULT NULL,
  `i6` inet6 DEFAULT NULL,
  `u` uuid DEFAULT uuid(),
  PRIMARY KEY (`id`),
  KEY `i6` (`i6`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `page_compressed` (
  `id` int(11) NOT NULL,
  `a` text DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci `PAGE_COMPRESSED`=1 `PAGE_COMPRESSION_LEVEL`=5;
CREATE TABLE `part_hash` (
  `id` int(11) NOT NULL,
  `a` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci
 PARTITION BY LINEAR HASH (`id`)
PARTITIONS 3;
CREATE TABLE `part_key` (
  `id` varchar(20) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci
 PARTITION BY KEY (`id`)
PARTITIONS 4;
CREATE TABLE `part_list` (
  `id` int(11) NOT NULL,
  `r` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci
 PARTITION BY LIST (`r`)
(PARTITION `north` VALUES IN (NULL,1,2) ENGINE = InnoDB,
 PARTITION `south` VALUES IN (3,4) ENGINE = InnoDB);
CREATE TABLE `part_list_columns` (
  `c` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci
 PARTITION BY LIST  COLUMNS(`c`)
(PARTITION `a` VALUES IN ('ä','ö') ENGINE = InnoDB,
 PARTITION `b` VALUES IN ('日本','x') ENGINE = InnoDB);
CREATE TABLE `part_range` (
  `id` int(11) NOT NULL,
  `d` date NOT NULL,
  `t` text DEFAULT NULL,
  PRIMARY KEY (`id`,`d`),
  KEY `d` (`d`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci
 PARTITION BY RANGE (to_days(`d`))
(PARTITION `p2022` VALUES LESS THAN (738521) COMMENT = 'it\'s old' ENGINE = InnoDB,
 PARTITION `p2023` VALUES LESS THAN (738886) ENGINE = InnoDB,
 PARTITION `p max` VALUES LESS THAN MAXVALUE ENGINE = InnoDB);
CREATE TABLE `part_range_columns` (
  `a` varchar(20) NOT NULL,
  `b` int(11) NOT NULL,
  PRIMARY KEY (`a`,`b`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci
 PARTITION BY RANGE  COLUMNS(`a`,`b`)
(PARTITION `p0` VALUES LESS THAN ('g',10) ENGINE = InnoDB,
 PARTITION `p1` VALUES LESS THAN ('it''s',20) ENGINE = InnoDB,
 PARTITION `p2` VALUES LESS THAN (MAXVALUE,MAXVALUE) ENGINE = InnoDB);
CREATE TABLE `part_sub` (
  `id` int(11) NOT NULL,
  `y` int(11) NOT NULL,
  KEY `y` (`y`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci
 PARTITION BY RANGE (`y`)
SUBPARTITION BY HASH (`id`)
SUBPARTITIONS 2
(PARTITION `p0` VALUES LESS THAN (1990) ENGINE = InnoDB,
 PARTITION `p1` VALUES LESS THAN (2000) ENGINE = InnoDB,
 PARTITION `p2` VALUES LESS THAN MAXVALUE ENGINE = InnoDB);
CREATE TABLE `periods` (
  `id` int(11) DEFAULT NULL,
  `s` date NOT NULL,
  `e` date NOT NULL,
  PERIOD FOR `valid` (`s`, `e`),
  UNIQUE KEY `id` (`id`,`valid` WITHOUT OVERLAPS)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `persistent_` (
  `a` int(11) DEFAULT NULL,
  `b` int(11) GENERATED ALWAYS AS (`a` + 1) STORED,
  `c` int(11) GENERATED ALWAYS AS (`a` * 2) VIRTUAL,
  `d` varchar(10) GENERATED ALWAYS AS (concat('x',`a`)) VIRTUAL INVISIBLE
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `prefixes` (
  `id` int(11) NOT NULL,
  `a` text DEFAULT NULL,
  `b` blob DEFAULT NULL,
  `c` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `k3` (`c`(20)) USING BTREE,
  KEY `k1` (`a`(5)),
  KEY `k2` (`b`(7),`c`(3)) COMMENT 'it''s an index; ü',
  KEY `desc_` (`id` DESC,`c`(4))
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `select` (
  `from` int(11) NOT NULL,
  `where` varchar(5) DEFAULT NULL,
  `values` int(11) DEFAULT NULL,
  `index` int(11) DEFAULT NULL,
  PRIMARY KEY (`from`),
  KEY `order` (`where`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `sets_by_column` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `l1` varchar(50) DEFAULT NULL,
  `l1b` varchar(50) CHARACTER SET latin1 COLLATE latin1_bin DEFAULT NULL,
  `l2` varchar(50) CHARACTER SET latin2 COLLATE latin2_general_ci DEFAULT NULL,
  `u3` varchar(50) CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci DEFAULT NULL,
  `u4` varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,
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
  `eu` text CHARACTER SET eucjpms COLLATE eucjpms_japanese_ci DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `shapes` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `g` geometry DEFAULT NULL,
  `p` point DEFAULT NULL,
  `l` linestring DEFAULT NULL,
  `po` polygon DEFAULT NULL,
  `mp` multipoint DEFAULT NULL,
  `ml` multilinestring DEFAULT NULL,
  `mpo` multipolygon DEFAULT NULL,
  `gc` geometrycollection DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=4 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `sjis_table` (
  `id` int(11) NOT NULL,
  `a` char(20) DEFAULT NULL,
  `b` text DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `a` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=sjis COLLATE=sjis_japanese_ci COMMENT='表のコメント';
CREATE TABLE `spatial_` (
  `id` int(11) NOT NULL,
  `p` point NOT NULL,
  PRIMARY KEY (`id`),
  SPATIAL KEY `p` (`p`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `texts` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `c` char(10) DEFAULT NULL,
  `c0` char(0) DEFAULT NULL,
  `v` varchar(300) DEFAULT NULL,
  `v0` varchar(0) DEFAULT NULL,
  `tt` tinytext DEFAULT NULL,
  `t` text DEFAULT NULL,
  `mt` mediumtext DEFAULT NULL,
  `lt` longtext DEFAULT NULL,
  `e` enum('a','it''s','x,y','"q"','back\\slash','','ü') DEFAULT 'it''s',
  `s` set('one','two''s','semi;colon','ß') DEFAULT NULL,
  `n` varchar(20) CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `v` (`v`(20)),
  KEY `t` (`t`(10),`v`(5))
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE `ucs2_table` (
  `id` int(11) NOT NULL,
  `a` varchar(20) DEFAULT NULL,
  `e` enum('ä','ö') DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `a` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=ucs2 COLLATE=ucs2_general_ci;
CREATE TABLE `unique_only` (
  `a` int(11) NOT NULL,
  `b` varchar(20) DEFAULT NULL,
  UNIQUE KEY `a` (`a`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `UPPER_Case` (
  `ID` int(11) NOT NULL,
  PRIMARY KEY (`ID`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `upper_case` (
  `id` int(11) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `values` (
  `values` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `versioned` (
  `id` int(11) NOT NULL,
  `a` varchar(20) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci WITH SYSTEM VERSIONING;
CREATE TABLE `versioned_columns` (
  `id` int(11) NOT NULL,
  `a` int(11) DEFAULT NULL,
  `b` int(11) DEFAULT NULL WITHOUT SYSTEM VERSIONING,
  `rs` timestamp(6) GENERATED ALWAYS AS ROW START,
  `re` timestamp(6) GENERATED ALWAYS AS ROW END INVISIBLE,
  PRIMARY KEY (`id`,`re`),
  PERIOD FOR SYSTEM_TIME (`rs`, `re`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci WITH SYSTEM VERSIONING;
CREATE TABLE `zero_id` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `t` text DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=9223372036854775901 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `zz_parent` (
  `x` int(11) NOT NULL,
  `y` int(11) NOT NULL,
  PRIMARY KEY (`x`,`y`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
CREATE TABLE `日本語のテーブル` (
  `列` int(11) DEFAULT NULL COMMENT 'コメント',
  `ß` int(11) DEFAULT NULL,
  KEY `索引` (`列`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci COMMENT='表';
CREATE TABLE `column_stats` (
  `db_name` varchar(64) NOT NULL,
  `table_name` varchar(64) NOT NULL,
  `column_name` varchar(64) NOT NULL,
  `min_value` varbinary(255) DEFAULT NULL,
  `max_value` varbinary(255) DEFAULT NULL,
  `nulls_ratio` decimal(12,4) DEFAULT NULL,
  `avg_length` decimal(12,4) DEFAULT NULL,
  `avg_frequency` decimal(12,4) DEFAULT NULL,
  `hist_size` tinyint(3) unsigned DEFAULT NULL,
  `hist_type` enum('SINGLE_PREC_HB','DOUBLE_PREC_HB','JSON_HB') DEFAULT NULL,
  `histogram` longblob DEFAULT NULL,
  PRIMARY KEY (`db_name`,`table_name`,`column_name`)
) ENGINE=Aria DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_bin PAGE_CHECKSUM=1 TRANSACTIONAL=0 COMMENT='Statistics on Columns';
CREATE TABLE `db` (
  `Host` char(255) NOT NULL DEFAULT '',
  `Db` char(64) NOT NULL DEFAULT '',
  `User` char(128) NOT NULL DEFAULT '',
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
  `Delete_history_priv` enum('N','Y') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT 'N',
  PRIMARY KEY (`Host`,`Db`,`User`),
  KEY `User` (`User`)
) ENGINE=Aria DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_bin PAGE_CHECKSUM=1 TRANSACTIONAL=1 COMMENT='Database privileges';
CREATE TABLE `event` (
  `db` char(64) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin NOT NULL DEFAULT '',
  `name` char(64) NOT NULL DEFAULT '',
  `body` longblob NOT NULL,
  `definer` varchar(384) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin NOT NULL DEFAULT '',
  `execute_at` datetime DEFAULT NULL,
  `interval_value` int(11) DEFAULT NULL,
  `interval_field` enum('YEAR','QUARTER','MONTH','DAY','HOUR','MINUTE','WEEK','SECOND','MICROSECOND','YEAR_MONTH','DAY_HOUR','DAY_MINUTE','DAY_SECOND','HOUR_MINUTE','HOUR_SECOND','MINUTE_SECOND','DAY_MICROSECOND','HOUR_MICROSECOND','MINUTE_MICROSECOND','SECOND_MICROSECOND') DEFAULT NULL,
  `created` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `modified` timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  `last_executed` datetime DEFAULT NULL,
  `starts` datetime DEFAULT NULL,
  `ends` datetime DEFAULT NULL,
  `status` enum('ENABLED','DISABLED','SLAVESIDE_DISABLED') NOT NULL DEFAULT 'ENABLED',
  `on_completion` enum('DROP','PRESERVE') NOT NULL DEFAULT 'DROP',
  `sql_mode` set('REAL_AS_FLOAT','PIPES_AS_CONCAT','ANSI_QUOTES','IGNORE_SPACE','IGNORE_BAD_TABLE_OPTIONS','ONLY_FULL_GROUP_BY','NO_UNSIGNED_SUBTRACTION','NO_DIR_IN_CREATE','POSTGRESQL','ORACLE','MSSQL','DB2','MAXDB','NO_KEY_OPTIONS','NO_TABLE_OPTIONS','NO_FIELD_OPTIONS','MYSQL323','MYSQL40','ANSI','NO_AUTO_VALUE_ON_ZERO','NO_BACKSLASH_ESCAPES','STRICT_TRANS_TABLES','STRICT_ALL_TABLES','NO_ZERO_IN_DATE','NO_ZERO_DATE','INVALID_DATES','ERROR_FOR_DIVISION_BY_ZERO','TRADITIONAL','NO_AUTO_CREATE_USER','HIGH_NOT_PRECEDENCE','NO_ENGINE_SUBSTITUTION','PAD_CHAR_TO_FULL_LENGTH','EMPTY_STRING_IS_NULL','SIMULTANEOUS_ASSIGNMENT','TIME_ROUND_FRACTIONAL') NOT NULL DEFAULT '',
  `comment` char(64) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin NOT NULL DEFAULT '',
  `originator` int(10) unsigned NOT NULL,
  `time_zone` char(64) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL DEFAULT 'SYSTEM',
  `character_set_client` char(32) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin DEFAULT NULL,
  `collation_connection` char(64) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin DEFAULT NULL,
  `db_collation` char(64) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin DEFAULT NULL,
  `body_utf8` longblob DEFAULT NULL,
  PRIMARY KEY (`db`,`name`)
) ENGINE=Aria DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci PAGE_CHECKSUM=1 TRANSACTIONAL=1 COMMENT='Events';
CREATE TABLE `global_priv` (
  `Host` char(255) NOT NULL DEFAULT '',
  `User` char(128) NOT NULL DEFAULT '',
  `Priv` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '{}' CHECK (json_valid(`Priv`)),
  PRIMARY KEY (`Host`,`User`)
) ENGINE=Aria DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_bin PAGE_CHECKSUM=1 TRANSACTIONAL=1 COMMENT='Users and global privileges';
CREATE TABLE `innodb_index_stats` (
  `database_name` varchar(64) NOT NULL,
  `table_name` varchar(199) NOT NULL,
  `index_name` varchar(64) NOT NULL,
  `last_update` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `stat_name` varchar(64) NOT NULL,
  `stat_value` bigint(20) unsigned NOT NULL,
  `sample_size` bigint(20) unsigned DEFAULT NULL,
  `stat_description` varchar(1024) NOT NULL,
  PRIMARY KEY (`database_name`,`table_name`,`index_name`,`stat_name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_bin STATS_PERSISTENT=0;
CREATE TABLE `proc` (
  `db` char(64) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin NOT NULL DEFAULT '',
  `name` char(64) NOT NULL DEFAULT '',
  `type` enum('FUNCTION','PROCEDURE','PACKAGE','PACKAGE BODY') NOT NULL,
  `specific_name` char(64) NOT NULL DEFAULT '',
  `language` enum('SQL') NOT NULL DEFAULT 'SQL',
  `sql_data_access` enum('CONTAINS_SQL','NO_SQL','READS_SQL_DATA','MODIFIES_SQL_DATA') NOT NULL DEFAULT 'CONTAINS_SQL',
  `is_deterministic` enum('YES','NO') NOT NULL DEFAULT 'NO',
  `security_type` enum('INVOKER','DEFINER') NOT NULL DEFAULT 'DEFINER',
  `param_list` blob NOT NULL,
  `returns` longblob NOT NULL,
  `body` longblob NOT NULL,
  `definer` varchar(384) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin NOT NULL DEFAULT '',
  `created` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `modified` timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  `sql_mode` set('REAL_AS_FLOAT','PIPES_AS_CONCAT','ANSI_QUOTES','IGNORE_SPACE','IGNORE_BAD_TABLE_OPTIONS','ONLY_FULL_GROUP_BY','NO_UNSIGNED_SUBTRACTION','NO_DIR_IN_CREATE','POSTGRESQL','ORACLE','MSSQL','DB2','MAXDB','NO_KEY_OPTIONS','NO_TABLE_OPTIONS','NO_FIELD_OPTIONS','MYSQL323','MYSQL40','ANSI','NO_AUTO_VALUE_ON_ZERO','NO_BACKSLASH_ESCAPES','STRICT_TRANS_TABLES','STRICT_ALL_TABLES','NO_ZERO_IN_DATE','NO_ZERO_DATE','INVALID_DATES','ERROR_FOR_DIVISION_BY_ZERO','TRADITIONAL','NO_AUTO_CREATE_USER','HIGH_NOT_PRECEDENCE','NO_ENGINE_SUBSTITUTION','PAD_CHAR_TO_FULL_LENGTH','EMPTY_STRING_IS_NULL','SIMULTANEOUS_ASSIGNMENT','TIME_ROUND_FRACTIONAL') NOT NULL DEFAULT '',
  `comment` text CHARACTER SET utf8mb3 COLLATE utf8mb3_bin NOT NULL,
  `character_set_client` char(32) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin DEFAULT NULL,
  `collation_connection` char(64) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin DEFAULT NULL,
  `db_collation` char(64) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin DEFAULT NULL,
  `body_utf8` longblob DEFAULT NULL,
  `aggregate` enum('NONE','GROUP') NOT NULL DEFAULT 'NONE',
  PRIMARY KEY (`db`,`name`,`type`)
) ENGINE=Aria DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci PAGE_CHECKSUM=1 TRANSACTIONAL=1 COMMENT='Stored Procedures';
CREATE TABLE `tables_priv` (
  `Host` char(255) NOT NULL DEFAULT '',
  `Db` char(64) NOT NULL DEFAULT '',
  `User` char(128) NOT NULL DEFAULT '',
  `Table_name` char(64) NOT NULL DEFAULT '',
  `Grantor` varchar(384) NOT NULL DEFAULT '',
  `Timestamp` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `Table_priv` set('Select','Insert','Update','Delete','Create','Drop','Grant','References','Index','Alter','Create View','Show view','Trigger','Delete versioning rows') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT '',
  `Column_priv` set('Select','Insert','Update','References') CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL DEFAULT '',
  PRIMARY KEY (`Host`,`Db`,`User`,`Table_name`),
  KEY `Grantor` (`Grantor`)
) ENGINE=Aria DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_bin PAGE_CHECKSUM=1 TRANSACTIONAL=1 COMMENT='Table privileges';
