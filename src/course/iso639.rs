//! Languages as recordings name them: three letters (ISO 639-2) for what tags write in two.

use crate::course::Language;

impl Language {
    /// Whether `letters` (ISO 639-2, either form) mean the language of this tag, whatever its
    /// script or region.
    pub fn is_iso_639_2(&self, letters: [u8; 3]) -> bool {
        let primary = self.as_str().split('-').next().unwrap_or_default();
        let letters = str::from_utf8(&letters).unwrap_or_default();
        let same = |short: &str, long: &str| {
            primary.eq_ignore_ascii_case(short) && letters.eq_ignore_ascii_case(long)
        };
        let mut pairs = PAIRS.split(' ').filter_map(|pair| pair.split_at_checked(2));
        primary.eq_ignore_ascii_case(letters) || pairs.any(|(short, long)| same(short, long))
    }
}

/// Two letters (ISO 639-1), then three; languages with a bibliographic form have it at the end.
const PAIRS: &str = "\
    aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel \
    bgbul bhbih bibis bmbam bnben bobod brbre bsbos cacat ceche chcha cocos crcre csces \
    cuchu cvchv cycym dadan dedeu dvdiv dzdzo eeewe elell eneng eoepo esspa etest eueus \
    fafas ffful fifin fjfij fofao frfra fyfry gagle gdgla glglg gngrn guguj gvglv hahau \
    heheb hihin hohmo hrhrv hthat huhun hyhye hzher iaina idind ieile igibo iiiii ikipk \
    ioido isisl itita iuiku jajpn jvjav kakat kgkon kikik kjkua kkkaz klkal kmkhm knkan \
    kokor krkau kskas kukur kvkom kwcor kykir lalat lbltz lglug lilim lnlin lolao ltlit \
    lulub lvlav mgmlg mhmah mimri mkmkd mlmal mnmon mrmar msmsa mtmlt mymya nanau nbnob \
    ndnde nenep ngndo nlnld nnnno nonor nrnbl nvnav nynya ococi ojoji omorm orori ososs \
    papan pipli plpol pspus ptpor quque rmroh rnrun roron rurus rwkin sasan scsrd sdsnd \
    sesme sgsag sisin skslk slslv smsmo snsna sosom sqsqi srsrp ssssw stsot susun svswe \
    swswa tatam tetel tgtgk ththa titir tktuk tltgl tntsn toton trtur tstso tttat twtwi \
    tytah uguig ukukr ururd uzuzb veven vivie vovol wawln wowol xhxho yiyid yoyor zazha \
    zhzho zuzul botib cscze cywel deger elgre eubaq faper frfre hyarm isice kageo mimao \
    mkmac msmay mybur nldut rorum skslo sqalb zhchi";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_s_language_is_recognised_in_a_tag() {
        let is = |tag, letters| Language::parse(tag).unwrap().is_iso_639_2(letters);
        assert!(is("vi", *b"vie") && is("en-GB", *b"eng") && is("tay", *b"tay"));
        assert!(is("fr", *b"fra") && is("fr", *b"fre"));
        assert!(!is("vi", *b"eng") && !is("vi", *b"und"));
    }
}
