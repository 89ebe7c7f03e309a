
SET sql_mode='STRICT_ALL_TABLES';
CREATE TABLE `t` (`a` varchar(60000), `b` varchar(60000)) ENGINE=InnoDB DEFAULT CHARSET=latin1;
