-- MySQL dump 10.13  Distrib 9.7.0, for Linux (x86_64)
-- Server version	9.7.0
INSERT INTO t VALUES (1,'x');
