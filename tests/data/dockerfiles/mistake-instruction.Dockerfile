FROM os2-test/base:1
RUNN true
