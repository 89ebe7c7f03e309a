-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
--
-- Host: localhost    Database: app
-- ------------------------------------------------------
-- Server version	8.0.36

/*!50503 SET NAMES utf8mb4 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;

CREATE TABLE `words` (
  `id` int NOT NULL PRIMARY KEY,
  `de` varchar(9) COLLATE utf8mb4_de_pb_0900_ai_ci,
  `es` varchar(9) COLLATE utf8mb4_es_trad_0900_as_cs,
  `ja` varchar(9) COLLATE utf8mb4_ja_0900_as_cs_ks,
  `nb` varchar(9) COLLATE utf8mb4_nb_0900_ai_ci,
  `ru` varchar(9) COLLATE utf8mb4_ru_0900_ai_ci,
  `zh` varchar(9) COLLATE utf8mb4_zh_0900_as_cs
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_sv_0900_ai_ci;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
-- Dump completed on 2026-01-01  0:00:00
