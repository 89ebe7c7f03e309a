create table if not exists shop.customers (
  id serial,
  -- a comment, with ( and '
  email varchar(255) not null unique comment 'it''s, (a) "mail"', # and another
  nick char varying(20) character set latin1 collate latin1_swedish_ci,
  age tinyint unsigned default 18 check (age >= 18),
  level enum('a,b', 'c''d', "e)f", 'g\'h', N'ü') default 'a,b',
  flags set('x','y'),
  parent int references customers (id) on delete set null,
  note text /* c */ null default (concat('a', ',', 'b')),
  `key` int, period int, vector int,
  full_name varchar(100) generated always as (concat(nick, ', ', email)) virtual,
  len int as (char_length(email)) stored not null,
  price numeric(10,2) default -1.5,
  ratio double precision, ok bool default true,
  b bit(3) default b'101', raw varbinary(16) default x'00ff',
  at timestamp(6) default current_timestamp(6) on update current_timestamp(6),
  n national varchar(10), u char(5) unicode, y char byte,
  constraint adults check (age > 18), check (level <> 'c''d'),
  constraint parent_fk foreign key by_parent (parent, age) references other.people (id, age) match full on update cascade on delete set default,
  unique (nick), unique key (nick, age), index using btree (age), fulltext (note), key expr ((age + 1)), key pre (email(10), age desc)
) engine = InnoDB, default character set = utf8mb4 collate utf8mb4_bin comment='CHARSET=latin1 ;'
  partition by hash (id) partitions 4;
CREATE TEMPORARY TABLE plain (a INT PRIMARY KEY, b INTEGER(11) ZEROFILL);
CREATE TABLE pre (
  `id` int NOT NULL,
  `secret` varchar(10) /*!80023 INVISIBLE */ DEFAULT NULL,
  `s` int /*!50606 STORAGE DISK */ /*!80014 NOT NULL */,
  PRIMARY KEY (`id`) /*!80000 INVISIBLE */
) /*!50100 TABLESPACE x */ ENGINE=MyISAM CHARSET=sjis
/*!50100 PARTITION BY RANGE (id)
(PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB) */;
CREATE TABLE periods (
  id INT, s DATE, e DATE, rs TIMESTAMP(6) GENERATED ALWAYS AS ROW START INVISIBLE, re TIMESTAMP(6) AS ROW END,
  PERIOD FOR SYSTEM_TIME (rs, re), PERIOD FOR valid (s, e), UNIQUE (id, valid WITHOUT OVERLAPS), t INT WITHOUT SYSTEM VERSIONING
) WITH SYSTEM VERSIONING;
