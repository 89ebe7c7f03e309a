
/*!80013 SET SESSION sql_require_primary_key = 1 */;
CREATE TABLE `t` (`a` int DEFAULT NULL) ENGINE=InnoDB;
