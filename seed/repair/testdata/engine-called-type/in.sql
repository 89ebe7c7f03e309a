
CREATE TABLE `t` (`type` int NOT NULL, PRIMARY KEY (`type`)) TYPE=MyISAM;
