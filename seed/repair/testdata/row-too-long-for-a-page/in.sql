-- MySQL dump 10.13  Distrib 5.7.44, for Linux (x86_64)
--
-- Host: localhost    Database: app
-- ------------------------------------------------------
-- Server version	5.7.44

/*!50503 SET NAMES utf8mb4 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;

CREATE TABLE `t` (`c0` char(250) NOT NULL, `c1` char(250) NOT NULL, `c2` char(250) NOT NULL, `c3` char(250) NOT NULL, `c4` char(250) NOT NULL, `c5` char(250) NOT NULL, `c6` char(250) NOT NULL, `c7` char(250) NOT NULL, `c8` char(250) NOT NULL, `c9` char(250) NOT NULL, `c10` char(250) NOT NULL, `c11` char(250) NOT NULL, `c12` char(250) NOT NULL, `c13` char(250) NOT NULL, `c14` char(250) NOT NULL, `c15` char(250) NOT NULL, `c16` char(250) NOT NULL, `c17` char(250) NOT NULL, `c18` char(250) NOT NULL, `c19` char(250) NOT NULL, `c20` char(250) NOT NULL, `c21` char(250) NOT NULL, `c22` char(250) NOT NULL, `c23` char(250) NOT NULL, `c24` char(250) NOT NULL, `c25` char(250) NOT NULL, `c26` char(250) NOT NULL, `c27` char(250) NOT NULL, `c28` char(250) NOT NULL, `c29` char(250) NOT NULL, `c30` char(250) NOT NULL, `c31` char(250) NOT NULL, `c32` char(250) NOT NULL, `c33` char(250) NOT NULL, `c34` char(250) NOT NULL, `c35` char(250) NOT NULL, `c36` char(250) NOT NULL, `c37` char(250) NOT NULL, `c38` char(250) NOT NULL, `c39` char(250) NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=latin1 ROW_FORMAT=COMPACT;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
-- Dump completed on 2026-01-01  0:00:00
