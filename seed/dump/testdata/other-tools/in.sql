-- Dump created by MySQL pump utility, version: 5.7.44, Linux (x86_64)
-- Dump start time: Thu Jan  1 00:00:00 2026
-- Server version: 5.7.44
SELECT 1;
-- Dump end time: Thu Jan  1 00:00:01 2026
-- phpMyAdmin SQL Dump
-- version 5.2.1
-- Server version: 10.6.1-MariaDB
SELECT 2;
-- Adminer 4.8.1 MySQL 8.0.36 dump
SELECT 3;
