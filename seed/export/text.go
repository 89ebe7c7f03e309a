package export

import (
	"strings"
	"time"
)

// The texts between the statements are those of mysqldump's format, which every
// client and every tool that reads dumps knows.

// section is a comment of three lines.
func section(title string) string { return "\n--\n-- " + comment(title) + "\n--\n\n" }

// header opens the dump: what was dumped, and the session that it has to be
// loaded in.
func (d *dumper) header() string {
	control := d.snap.control
	tool := "MySQL dump 10.13"
	if control.mariadb {
		tool = "MariaDB dump 10.19"
	}
	version, _, _ := strings.Cut(control.version, "-")
	if control.mariadb {
		version += "-MariaDB"
	}
	database := ""
	if len(d.snap.databases) == 1 {
		database = d.snap.databases[0].name
	}
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, "") + "\n") }
	line("-- ", tool, "  Distrib ", version, ", by ", comment(d.options.Program))
	line("--")
	line("-- Host: -    Database: ", comment(database))
	line("-- ------------------------------------------------------")
	line("-- Server version\t", comment(control.version))
	line("--")
	line("-- Snapshot of ", d.snap.taken.Format(time.RFC3339), " (", d.snap.how, ")")
	if file, at, ok := strings.Cut(d.snap.position, ":"); ok {
		if control.mariadb {
			line("-- CHANGE MASTER TO MASTER_LOG_FILE='", comment(file), "', MASTER_LOG_POS=", comment(at), ";")
		} else {
			line("-- CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE='", comment(file), "', SOURCE_LOG_POS=", comment(at), ";")
		}
	}
	if d.snap.gtids != "" {
		line("-- GTIDs: ", comment(d.snap.gtids))
	}
	line()
	line("/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;")
	line("/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;")
	line("/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;")
	line("/*!40101 SET NAMES utf8mb4 */;")
	line("/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;")
	line("/*!40103 SET TIME_ZONE='+00:00' */;")
	line("/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;")
	line("/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;")
	line("/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;")
	line("/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;")
	return b.String()
}

// footer gives the session back what it had. Its last line says that nothing is
// missing.
func (d *dumper) footer() string {
	return `
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;
/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on ` + time.Now().UTC().Format(time.DateTime) + "\n"
}

func dataHead(t *table) string {
	name := quote(t.name)
	return section("Dumping data for table "+name) +
		"LOCK TABLES " + name + " WRITE;\n/*!40000 ALTER TABLE " + name + " DISABLE KEYS */;\n"
}

func dataFoot(t *table) string {
	return "/*!40000 ALTER TABLE " + quote(t.name) + " ENABLE KEYS */;\nUNLOCK TABLES;\n"
}
