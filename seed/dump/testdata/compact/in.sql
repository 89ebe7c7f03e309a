/*!40101 SET @saved_cs_client     = @@character_set_client */;
CREATE TABLE `a` (`b` int);
INSERT INTO `a` VALUES (1),(2)