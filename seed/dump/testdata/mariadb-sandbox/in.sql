/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19-11.8.3-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: 
-- ------------------------------------------------------
-- Server version	11.8.3-MariaDB-0+deb13u1 from Debian

/*!40101 SET NAMES utf8mb4 */;
/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */;
/*!999999\- enable the sandbox mode */ 
CREATE SEQUENCE `s` start with 1 minvalue 1 maxvalue 9 increment by 1 cache 1000 nocycle ENGINE=InnoDB;
DO SETVAL(`s`, 1, 0);
INSERT INTO `t` VALUES
(1,'a'),
(2,'b;');
/*!40000 ALTER TABLE `t` ENABLE KEYS */;
CREATE USER `u`@`%` IDENTIFIED BY PASSWORD '*0';
GRANT SELECT ON `d`.* TO `u`@`%`;
CHANGE MASTER TO MASTER_LOG_FILE='x', MASTER_LOG_POS=4;
-- Dump completed on 2026-01-01  0:00:00
