SET NAMES sjis;
INSERT INTO `ソ` VALUES ('表','ソチ;');
INSERT INTO `チ` VALUES ('\'表;');
SET NAMES utf8mb4;
SELECT '\';';
