@echo off
rem Windows: a double click makes the environment on first start, then opens the page.
cd /d "%~dp0"
if exist .venv\.runtime goto start
echo First start: installing the packages. This takes some minutes and the network, once.
py -3 -m venv .venv
if errorlevel 1 goto failed
.venv\Scripts\python -m pip install -q -r requirements.txt -c constraints.txt
if errorlevel 1 goto failed
type nul > .venv\.runtime
:start
.venv\Scripts\python app.py %*
if errorlevel 1 pause
exit /b
:failed
echo The packages could not be installed. Python 3.11 or newer (python.org) and the network are needed for the first start.
pause
