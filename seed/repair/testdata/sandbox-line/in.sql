/*!999999\- enable the sandbox mode */
/*M!999999\- enable the sandbox mode */
-- MariaDB dump 10.19-11.8.3-MariaDB, for debian-linux-gnu (x86_64)
-- Host: localhost    Database: app
-- Server version	11.8.3-MariaDB
/*!999999\- enable the sandbox mode */
/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */;
CREATE TABLE `t` (`id` int(11) NOT NULL, PRIMARY KEY (`id`), `c` text /*M!100301 COMPRESSED*/ DEFAULT NULL);
INSERT INTO `t` VALUES (1,'x');
-- Dump completed
