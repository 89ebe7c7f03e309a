-- MySQL dump 10.13  Distrib 5.7.44, for Linux (x86_64)
-- Host: h    Database: one
-- Server version	5.7.44
SELECT 1;
-- Dump completed on 2026-01-01
-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)
-- Host: h    Database: two
-- Server version	10.11.6-MariaDB
SELECT 2;
