/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.11-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: app
-- ------------------------------------------------------
-- Server version	10.11.11-MariaDB-deb12

/*!40101 SET NAMES utf8mb4 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */;

CREATE TABLE `t` (
  `a` varchar(36) DEFAULT uuid(),
  `b` date DEFAULT curdate(),
  `c` text DEFAULT 'abc',
  `d` text DEFAULT concat('x',', (1)'),
  `e` int(11) DEFAULT (1 + 1),
  `f` int(11) DEFAULT NULL CHECK (`f` > 1),
  `j` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT json_array() CHECK (json_valid(`j`)),
  `k` blob NOT NULL DEFAULT '',
  `l` longtext DEFAULT NULL,
  `n` double DEFAULT -1.5,
  `o` bit(3) DEFAULT b'101',
  `p` varchar(20) DEFAULT current_timestamp(),
  `q` datetime(6) DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6),
  `t` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp()
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO `t` (`f`,`j`,`b`,`a`,`q`,`t`,`p`) VALUES (7,'[1]','2026-01-01','u','2026-01-01','2026-01-01','p');

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
-- Dump completed on 2026-01-01  0:00:00
