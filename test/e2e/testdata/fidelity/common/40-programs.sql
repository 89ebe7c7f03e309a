-- Views, triggers, routines and events.
SET NAMES utf8mb4;
SET SESSION sql_mode = '', time_zone = '+00:00';

CREATE TABLE base_ (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50), price DECIMAL(8,2), note TEXT);
CREATE TABLE log_ (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, what VARCHAR(200));
INSERT INTO base_ (name, price) VALUES ('Ã„pfel',1.5), ('it''s',NULL), ('x;y',0);

DELIMITER $$
CREATE FUNCTION plus_tax(p DECIMAL(8,2)) RETURNS DECIMAL(10,3) DETERMINISTIC NO SQL COMMENT 'it''s 19%; Ã¼' RETURN p * 1.19$$
CREATE DEFINER='nobody here'@'%.example' FUNCTION shout(t VARCHAR(50) CHARACTER SET latin1) RETURNS VARCHAR(60) CHARACTER SET utf8mb4 READS SQL DATA SQL SECURITY INVOKER
BEGIN
  -- a comment with ; and ' and " and `
  # another;
  /* DELIMITER ;; */
  RETURN CONCAT(UPPER(t), '; ''quoted'' \\ "x" ', "it's");
END$$
CREATE PROCEDURE `odd ``name; -- x`(IN a INT, OUT `out` VARCHAR(20), INOUT c DECIMAL(5,2)) MODIFIES SQL DATA
main: BEGIN
  DECLARE done INT DEFAULT 0;
  DECLARE n VARCHAR(50);
  DECLARE cur CURSOR FOR SELECT name FROM base_ ORDER BY id;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = 1;
  OPEN cur;
  rd: LOOP
    FETCH cur INTO n;
    IF done THEN LEAVE rd; END IF;
    INSERT INTO log_ (what) VALUES (CONCAT('DELIMITER ', n, ';;'));
  END LOOP;
  CLOSE cur;
  SET `out` = CASE WHEN a > 0 THEN 'ja' ELSE 'nein' END;
  label2: WHILE a > 0 DO SET a = a - 1; END WHILE label2;
  REPEAT SET c = c + 1; UNTIL c > 5 END REPEAT;
END$$
CREATE PROCEDURE empty_body() BEGIN END$$
CREATE PROCEDURE delimiter_inside()
BEGIN
SELECT 'DELIMITER ;;
DELIMITER //
';
SELECT ';;';
END$$
SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'$$
CREATE PROCEDURE ansi() BEGIN DECLARE "a b" INT; SELECT "name" || 'x' || '"' FROM "base_"; END$$
CREATE VIEW ansi_view AS SELECT "id" AS "I;D", 'a' || 'b' AS c FROM "base_"$$
CREATE TRIGGER "ansi trigger" BEFORE INSERT ON "base_" FOR EACH ROW SET NEW."note" = COALESCE(NEW."note", 'a' || '''b')$$
SET sql_mode = 'NO_BACKSLASH_ESCAPES'$$
CREATE PROCEDURE no_escapes() BEGIN SELECT 'c:\'; SELECT '\\', "x\"; END$$
CREATE TRIGGER no_escapes_trigger AFTER INSERT ON base_ FOR EACH ROW INSERT INTO log_ (what) VALUES ('c:\dir\')$$
SET sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,HIGH_NOT_PRECEDENCE,IGNORE_SPACE'$$
CREATE PROCEDURE strict_() SELECT NOT 1 BETWEEN -5 AND 5, COUNT (*) FROM base_$$
SET sql_mode = 'TRADITIONAL'$$
CREATE FUNCTION traditional_(a INT) RETURNS INT RETURN a / 0$$
SET sql_mode = ''$$
CREATE TRIGGER third AFTER INSERT ON base_ FOR EACH ROW FOLLOWS no_escapes_trigger BEGIN INSERT INTO log_ (what) VALUES ('third; it''s'); IF NEW.id > 5 THEN SET @x = 1; END IF; END$$
CREATE TRIGGER between_ AFTER INSERT ON base_ FOR EACH ROW PRECEDES third SET @order = CONCAT(@order, 'between')$$
CREATE TRIGGER before_update BEFORE UPDATE ON base_ FOR EACH ROW BEGIN SET NEW.name = TRIM(NEW.name); END$$
CREATE DEFINER='ghost'@'localhost' TRIGGER after_update AFTER UPDATE ON base_ FOR EACH ROW INSERT INTO log_ (what) VALUES (CONCAT(OLD.name, 'â†’', NEW.name))$$
CREATE TRIGGER `before delete` BEFORE DELETE ON base_ FOR EACH ROW BEGIN /* it's */ END$$
CREATE TRIGGER after_delete AFTER DELETE ON base_ FOR EACH ROW DELETE FROM log_ WHERE what = 'DELIMITER ;'$$
-- What a trigger does happened once, before the dump.
INSERT INTO base_ (name) VALUES ('by trigger')$$

CREATE EVENT e_every ON SCHEDULE EVERY '1:30' HOUR_MINUTE STARTS '2030-01-01 00:00:00' ENDS '2037-12-31 23:59:59' ON COMPLETION PRESERVE DISABLE COMMENT 'it''s; every' DO BEGIN DELETE FROM log_; INSERT INTO log_ (what) VALUES ('x;y'); END$$
CREATE EVENT `e once` ON SCHEDULE AT '2037-01-01 12:00:00' ON COMPLETION PRESERVE DO SET @a = 'it''s'$$
SET time_zone = '+05:30'$$
CREATE DEFINER='ghost'@'%' EVENT e_zone ON SCHEDULE EVERY 1 DAY STARTS '2030-06-01 00:00:00' ENABLE DO CALL empty_body()$$
SET time_zone = '+00:00', sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'$$
CREATE EVENT e_mode ON SCHEDULE EVERY 1 YEAR STARTS '2031-01-01 00:00:00' DO INSERT INTO "log_" ("what") VALUES ('\')$$
SET sql_mode = ''$$
DELIMITER ;

SET NAMES latin1;
CREATE PROCEDURE in_latin1() SELECT 'äöü', _utf8mb4'x';
CREATE VIEW view_latin1 AS SELECT 'äöü' AS `dänisch`;
SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE PROCEDURE in_utf8() SELECT 'ðŸ˜€ æ—¥æœ¬', _latin1 0xE4 AS x;
CREATE VIEW view_utf8 AS SELECT 'ðŸ˜€' AS smile, name FROM base_ WHERE name = 'Ã„pfel' COLLATE utf8mb4_bin;
SET NAMES utf8mb4;

CREATE ALGORITHM=MERGE DEFINER='ghost'@'localhost' SQL SECURITY INVOKER VIEW z_first AS SELECT id, name, price FROM base_ WHERE id > 0 WITH LOCAL CHECK OPTION;
CREATE ALGORITHM=TEMPTABLE VIEW a_second AS SELECT name, COUNT(*) AS n, plus_tax(SUM(price)) AS total FROM z_first GROUP BY name;
CREATE SQL SECURITY DEFINER VIEW m_third AS SELECT a.name, z.id, shout(a.name) AS loud, CASE WHEN z.id = 1 THEN 'it''s; one' ELSE "two" END AS `case;` FROM a_second a LEFT JOIN z_first z ON a.name = z.name;
CREATE VIEW checked AS SELECT * FROM base_ WHERE price < 10 WITH CASCADED CHECK OPTION;
CREATE VIEW `view ``with; quotes` AS SELECT 1 AS `a``b`, ';' AS `semi;`, '--' AS `-- dash`, '/* */' AS `/* c */`, NULL AS n, 0x00FF AS h, DATE'2020-01-01' AS d;
CREATE VIEW union_view (x, y) AS SELECT 1, 'a' UNION ALL SELECT 2, 'b' UNION SELECT id, name FROM base_;
CREATE VIEW recursive_view AS WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n, SUM(n) OVER (ORDER BY n) AS s FROM r;
