package seed

import (
	"strings"
	"testing"

	"github.com/dbake/dbake/spec"
)

// manyDatabases is a dump of all databases of another server.
const manyDatabases = `-- MySQL dump 10.13  Distrib 5.7.44, for Linux (x86_64)
--
-- Host: localhost    Database: 
-- ------------------------------------------------------
-- Server version	5.7.44

/*!40101 SET NAMES utf8mb4 */;
CREATE DATABASE /*!32312 IF NOT EXISTS*/ ` + "`mysql`" + ` /*!40100 DEFAULT CHARACTER SET latin1 */;
USE ` + "`mysql`" + `;
DROP TABLE IF EXISTS user;
CREATE TABLE user (Host char(60), User char(32)) ENGINE=MyISAM;
INSERT INTO user VALUES ('%','intruder');
CREATE DATABASE shop;
USE shop;
CREATE TABLE orders (id int NOT NULL PRIMARY KEY);
INSERT INTO orders VALUES (1),(2);
CREATE TABLE audit_log (id int NOT NULL PRIMARY KEY);
INSERT INTO audit_log VALUES (1),(2),(3);
REPLACE audit_log VALUES (4);
DELIMITER ;;
/*!50003 SET sql_mode = 'STRICT_TRANS_TABLES,NO_AUTO_CREATE_USER' */ ;;
/*!50003 CREATE*/ /*!50017 DEFINER=` + "`gone`@`10.1.2.3`" + `*/ /*!50003 TRIGGER bi BEFORE INSERT ON orders FOR EACH ROW SET NEW.id = NEW.id */;;
DELIMITER ;
CREATE DATABASE shop_archive;
USE shop_archive;
CREATE TABLE orders (id int NOT NULL PRIMARY KEY, v vector_of_another_server(3));
INSERT INTO orders VALUES (1,2);
DROP TABLE orders;
CREATE DATABASE other;
USE other;
CREATE TABLE orders (id int);
DELETE FROM orders;
CREATE TABLE shop.more (id int NOT NULL PRIMARY KEY) DEFAULT CHARSET=utf8mb4 COLLATE utf8mb4_0900_ai_ci;
-- Dump completed on 2026-01-01  0:00:00
`

func TestRestorePicks(t *testing.T) {
	k := newKitchen(t)
	k.dump("all.sql", manyDatabases)
	k.dump("mysql.sql", strings.Replace(head, "Database: app", "Database: mysql", 1)+
		"DROP TABLE IF EXISTS `user`;\nCREATE TABLE `user` (User char(32));\nINSERT INTO `user` VALUES ('intruder');\n"+foot)
	k.order.Options = spec.Restore{
		System: spec.SystemSkip, Definer: spec.DefinerStrip,
		Databases: &spec.Selection{Include: []string{"shop*"}, Exclude: []string{"shop_archive"}},
		Tables: []spec.TableRule{
			{Match: "shop.audit_*", Rows: spec.RowsNone},
			{Match: "*.*", Rows: spec.RowsAll},
		},
	}
	m := k.mustBake()
	want := "other databases: 0, orders: 2, audit_log: 0, definer: root@localhost, collation: utf8mb4_0900_ai_ci, intruders: 0"
	if k.order.Base.Flavour == "mariadb" {
		want = strings.Replace(want, "utf8mb4_0900", "utf8mb4_uca1400_nopad", 1)
	}
	if got := k.ask(`SELECT CONCAT(
		'other databases: ', (SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ('other', 'shop_archive')),
		', orders: ', (SELECT COUNT(*) FROM shop.orders), ', audit_log: ', (SELECT COUNT(*) FROM shop.audit_log),
		', definer: ', (SELECT DEFINER FROM information_schema.TRIGGERS WHERE TRIGGER_NAME = 'bi'),
		', collation: ', (SELECT TABLE_COLLATION FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'more'),
		', intruders: ', (SELECT COUNT(*) FROM mysql.user WHERE User = 'intruder'))`); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	warnings := strings.Join(m.Warnings, "\n")
	for _, w := range []string{"all.sql: left out 4 statements about accounts and system tables", "mysql.sql: left out 3 statements"} {
		if !strings.Contains(warnings, w) {
			t.Errorf("no warning %q in %s", w, warnings)
		}
	}
	if mapped := strings.Contains(warnings, "has no collation utf8mb4_0900_ai_ci"); mapped != (k.order.Base.Flavour == "mariadb") {
		t.Errorf("warnings: %s", warnings)
	}
}

func TestRestoreRefusesPatternsThatMatchNothing(t *testing.T) {
	k := newKitchen(t)
	k.dump("app.sql", head+body+foot)
	k.order.Options.Databases = &spec.Selection{Include: []string{"app", "shop"}}
	if f := FailureOf(k.mustFail(`no database of the dumps matches "shop"`)); f.Path != "restore.databases.include[1]" {
		t.Errorf("the failure names %s", f.Path)
	}
}
